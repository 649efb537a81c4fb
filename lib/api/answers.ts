import { entriesFor } from '../allowlist/entries.ts';
import type { PersonsDecision } from '../approval/decide-by-person.ts';
import { agrees, reasonOf } from '../policy/decide.ts';
import type { Service } from '../service/service.ts';
import type { ReadDeps } from '../table/item.ts';
import { ApiError } from './api-error.ts';

/** Why a request can no longer be decided: who, when and what. */
interface Closed {
  readonly state: string;
  readonly by?: string;
  readonly at?: string;
  readonly decision?: string;
  readonly reason?: string;
  readonly ticket?: string;
}

export function closedBy({ record, connection }: Extract<PersonsDecision, { status: 'not-open' }>): Closed {
  // What EC2 no longer lists is gone, whatever is remembered of it.
  const state = connection?.state ?? 'deleted';
  const { approval, verdict } = record ?? {};
  const isDecided = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
  if (approval && (!isDecided || agrees(verdict, approval))) {
    const { allow: _allow, block: _block, toConsumer: _toConsumer, ...word } = approval;
    return { state, ...word };
  }
  if (!isDecided) return { state };
  const { outcome: decision, decidedBy: by, decidedAt: at } = verdict;
  return { state, by, at, decision, reason: reasonOf(verdict) };
}

const did: Readonly<Record<string, string>> = {
  approve: 'approved it',
  deny: 'denied it',
  accept: 'decided to accept it',
  reject: 'decided to reject it',
};

export function notOpen(endpointId: string, closed: Closed): ApiError {
  const { by, at, decision, reason, state } = closed;
  const who =
    decision === undefined
      ? `EC2 shows it \`${state}\``
      : `${by} ${did[decision]} at ${at}${reason ? ` (${reason})` : ''}`;
  return new ApiError(409, 'NotOpen', `${endpointId} is not open: ${who}`, { details: { ...closed } });
}

/** What a service that is taken out leaves in the table. */
export async function leftBehind({ serviceId }: Service, deps: ReadDeps): Promise<string[]> {
  const entries = await entriesFor([serviceId], deps);
  if (entries.length === 0) return [];
  return [
    `the allowlist keeps what it says of ${serviceId} (accounts: ${entries.length}), and it holds again if the service is registered again: see linkgate allowlist --service ${serviceId}; linkgate forget takes one away`,
  ];
}
