import * as v from 'valibot';
import { shellWord } from '../../lib/values/shell-word.ts';
import { type Service, ServiceResponse } from '../api-views.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints } from '../connection-text.ts';
import { Impact } from '../impact.ts';
import { shortActor, time } from '../output.ts';
import type { Session } from '../session.ts';

const ResumeResponse = v.looseObject({ ...ServiceResponse.entries, ...Impact.entries });

export async function pauseService(
  { api, output }: Session,
  nameOrId: string,
  { reason }: { readonly reason?: string },
) {
  const body = { reason };
  const { service } = await api.call('POST', ['services', nameOrId, 'pause'], ServiceResponse, { body });
  output.result(
    { service },
    `${service.name} is paused: ${formatPause(service)}\nits requests wait, and none of its connections is disconnected, until:\n  linkgate resume ${shellWord(service.name)}`,
  );
}

/** Resumes a service. The command first lists the disconnects that became due during the pause and happen at once. */
export async function resumeService(
  session: Session,
  nameOrId: string,
  options: { readonly yes?: true | undefined },
) {
  const { api, output } = session;
  const { service: before } = await api.call('GET', ['services', nameOrId], ServiceResponse);
  const path = ['services', nameOrId, 'resume'];
  const impact = await api.call('POST', path, ResumeResponse, { isDryRun: true });
  if (impact.disconnects?.length)
    await confirm(
      `Disconnects that fell due during the pause:\n${formatEndpoints(impact.disconnects)}\nResume ${before.name}?`,
      options,
      session,
    );
  const { service, disconnects } = await api.call('POST', path, ResumeResponse);
  const outcome = before.pausedAt ? 'resumed' : 'not paused';
  output.result(
    { service, disconnects },
    `${service.name} is ${outcome}: its requests are decided, and its scheduled disconnects are carried out`,
  );
}

/** Formats the actor, time and reason of a pause; undefined if the service is not paused. */
export function formatPause({ pausedAt, pausedBy, pauseReason }: Service): string | undefined {
  if (!pausedAt) return undefined;
  return `by ${shortActor(pausedBy ?? 'somebody')} since ${time(pausedAt)}${pauseReason ? `, ${pauseReason}` : ''}`;
}
