import { everyService } from '../allowlist/entry.ts';
import type { PersonsDecision } from '../approval/decide-by-person.ts';
import { isLive } from '../connection/connection.ts';
import { everyOne } from '../connection/connections.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import { reasonOf } from '../policy/decide.ts';
import { registeredServices } from '../service/registered-services.ts';
import { ApiError } from './api-error.ts';

/** Why a request can no longer be decided: who, when and what. */
interface Closed {
  readonly state: string;
  readonly by?: string;
  readonly at?: string;
  readonly decision?: string;
  readonly reason?: string;
}

export function closedBy({ record, connection }: Extract<PersonsDecision, { status: 'not-open' }>): Closed {
  // What EC2 no longer lists is gone, whatever is remembered of it.
  const state = connection?.state ?? 'deleted';
  const { approval, verdict } = record ?? {};
  if (approval) return { state, ...approval };
  if (verdict?.outcome === 'accept' || verdict?.outcome === 'reject')
    return {
      state,
      by: verdict.decidedBy,
      at: verdict.decidedAt,
      decision: verdict.outcome,
      reason: reasonOf(verdict),
    };
  return { state };
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

/** What a change of the allowlist does not do, which people expect it to. */
export async function consequencesOf(
  change: 'allow' | 'block' | 'forget',
  { serviceId, accountId }: { readonly serviceId: string; readonly accountId: string },
  { table, connectionsIn }: Deciding,
): Promise<string[]> {
  const services = (await registeredServices(table)).filter(
    (service) => serviceId === everyService || service.serviceId === serviceId,
  );
  const warnings: string[] = [];
  for (const { serviceId: at, name, place } of services) {
    const theirs = await everyOne(connectionsIn(place), { serviceIds: [at], ownerAccountId: accountId });
    const inState = (isMeant: (state: (typeof theirs)[number]['state']) => boolean) =>
      theirs.filter(({ state }) => isMeant(state)).map(({ endpointId }) => endpointId);
    const live = inState(isLive);
    const rejected = inState((state) => state === 'rejected');
    if (change !== 'allow' && live.length > 0)
      warnings.push(
        `${live.join(', ')} at ${name}: stays connected, since a change of the allowlist cuts nothing. To cut it: aws ec2 reject-vpc-endpoint-connections --service-id ${at} --vpc-endpoint-ids ${live.join(' ')}`,
      );
    if (change === 'allow' && rejected.length > 0)
      warnings.push(
        `${rejected.join(', ')} at ${name}: stays rejected; the consumer has to delete it and create a new endpoint`,
      );
  }
  return warnings;
}
