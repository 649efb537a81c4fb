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
      `${service.name} is paused: ${pauseOf(service)}\nits requests wait, and none of its connections is disconnected, until:\n  linkgate resume ${shellWord(service.name)}`,
    );
  };
}

/** Disconnects that fell due during the pause happen at once: the command lists them and asks first. */
export function resumeService({ open, io }: HandlerDeps) {
  return async (named: string, { yes, ...common }: ResumeOptions) => {
    const { api, output, progress } = await open(common);
    const path = ['services', named];
    const { service: before } = await api.call('GET', path, Answer);
    const resumption = await api.call('GET', [...path, 'resumption'], Resumption);
    if (resumption.disconnects.length > 0) {
      progress.doing('');
      const what = (resumption.warnings ?? []).map((each) => `  ${each}`).join('\n');
      await confirm(
        `Disconnects that fell due during the pause:\n${what}\nResume ${before.name}?`,
        { yes },
        io,
      );
    }
    const { service, disconnects, warnings } = await api.call('POST', [...path, 'resume'], Resumed, {});
    const what = before.pausedAt ? 'resumed' : 'not paused';
    output.result(
      { service, disconnects },
      `${service.name} is ${what}: its requests are decided, and its scheduled disconnects are carried out`,
    );
    output.warn(warnings);
  };
}

/** The actor, time and reason of a pause; undefined if the service is not paused. */
export function pauseOf({ pausedAt, pausedBy, pauseReason }: Service): string | undefined {
  if (!pausedAt) return undefined;
  return `by ${shortActor(pausedBy ?? 'somebody')} since ${time(pausedAt)}${pauseReason ? `, ${pauseReason}` : ''}`;
}
