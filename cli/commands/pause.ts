import * as v from 'valibot';
import { shellWord } from '../../lib/values/shell-word.ts';
import { Service } from '../api-views.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints } from '../connection-text.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import { dryRun, Impact } from '../impact.ts';
import type { CommonOptions } from '../options.ts';
import { shortActor, time } from '../output.ts';

const ServiceResponse = v.looseObject({ service: Service, ...Impact.entries });

interface PauseOptions extends CommonOptions {
  readonly reason?: string;
}

interface ResumeOptions extends CommonOptions {
  readonly yes?: true | undefined;
}

export function pauseService({ open }: HandlerDeps) {
  return async (nameOrId: string, { reason, ...common }: PauseOptions) => {
    const { api, output } = await open(common);
    const { service } = await api.call('POST', ['services', nameOrId, 'pause'], ServiceResponse, {
      body: { reason },
    });
    output.result(
      { service },
      `${service.name} is paused: ${formatPause(service)}\nits requests wait, and none of its connections is disconnected, until:\n  linkgate resume ${shellWord(service.name)}`,
    );
  };
}

/** Resumes a service. The command first lists the disconnects that became due during the pause and happen at once. */
export function resumeService({ open, io }: HandlerDeps) {
  return async (nameOrId: string, { yes, ...common }: ResumeOptions) => {
    const { api, output, progress } = await open(common);
    const path = ['services', nameOrId];
    const { service: before } = await api.call('GET', path, ServiceResponse);
    const resume = [...path, 'resume'];
    const impact = await api.call('POST', resume, ServiceResponse, { query: dryRun });
    if (impact.disconnects?.length) {
      progress.report('');
      await confirm(
        `Disconnects that fell due during the pause:\n${formatEndpoints(impact.disconnects)}\nResume ${before.name}?`,
        { yes },
        io,
      );
    }
    const { service, disconnects, warnings } = await api.call('POST', resume, ServiceResponse);
    const outcome = before.pausedAt ? 'resumed' : 'not paused';
    output.result(
      { service, disconnects },
      `${service.name} is ${outcome}: its requests are decided, and its scheduled disconnects are carried out`,
    );
    output.warn(warnings);
  };
}

/** Formats the actor, time and reason of a pause; undefined if the service is not paused. */
export function formatPause({ pausedAt, pausedBy, pauseReason }: Service): string | undefined {
  if (!pausedAt) return undefined;
  return `by ${shortActor(pausedBy ?? 'somebody')} since ${time(pausedAt)}${pauseReason ? `, ${pauseReason}` : ''}`;
}
