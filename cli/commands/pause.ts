import * as v from 'valibot';
import { shellWord } from '../../lib/values/shell-word.ts';
import { Service, Warnings } from '../api-views.ts';
import { confirm } from '../confirm.ts';
import type { HandlerDeps } from '../handler.ts';
import type { CommonOptions } from '../options.ts';
import { shortActor, time } from '../output.ts';

const Answer = v.looseObject({ service: Service });
const Resumption = v.looseObject({ disconnects: v.array(v.unknown()), warnings: Warnings });
const Resumed = v.looseObject({ ...Answer.entries, ...Resumption.entries });

interface PauseOptions extends CommonOptions {
  readonly reason?: string;
}

interface ResumeOptions extends CommonOptions {
  readonly yes?: true | undefined;
}

export function pauseService({ open }: HandlerDeps) {
  return async (named: string, { reason, ...common }: PauseOptions) => {
    const { api, output } = await open(common);
    const { service } = await api.call('POST', ['services', named, 'pause'], Answer, {
      body: { reason },
    });
    output.result(
      { service },
      `${service.name} is paused: ${pauseOf(service)}\nits requests wait and its connections stay, whatever is to be cut, until:\n  linkgate resume ${shellWord(service.name)}`,
    );
  };
}

/** What fell due during the pause is cut at once: that is said first, and asked. */
export function resumeService({ open, io }: HandlerDeps) {
  return async (named: string, { yes, ...common }: ResumeOptions) => {
    const { api, output, progress } = await open(common);
    const path = ['services', named];
    const { service: before } = await api.call('GET', path, Answer);
    const foretold = await api.call('GET', [...path, 'resumption'], Resumption);
    if (foretold.disconnects.length > 0) {
      progress.doing('');
      const what = (foretold.warnings ?? []).map((each) => `  ${each}`).join('\n');
      await confirm(`What fell due during the pause:\n${what}\nResume ${before.name}?`, { yes }, io);
    }
    const { service, disconnects, warnings } = await api.call('POST', [...path, 'resume'], Resumed, {});
    const what = before.pausedAt ? 'resumed' : 'not paused';
    output.result(
      { service, disconnects },
      `${service.name} is ${what}: its requests are decided, and what is to be cut is cut in its time`,
    );
    output.warn(warnings);
  };
}

/** Who paused it, when and why; nothing where it is not paused. */
export function pauseOf({ pausedAt, pausedBy, pauseReason }: Service): string | undefined {
  if (!pausedAt) return undefined;
  return `by ${shortActor(pausedBy ?? 'somebody')} since ${time(pausedAt)}${pauseReason ? `, ${pauseReason}` : ''}`;
}
