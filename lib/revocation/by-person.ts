import type { Connection } from '../connection/connection.ts';
import { isLive } from '../connection/connection.ts';
import { type ConnectionRecord, newRecord, readRecord, recordKey } from '../connection/connection-record.ts';
import { type Deciding, decideConnection } from '../connection/decide-connections.ts';
import { findConnection, type Looking } from '../connection/find-connection.ts';
import { type Transition, transitionWrites } from '../connection/transition.ts';
import { orReport } from '../invocation.ts';
import { serviceKey } from '../service/service.ts';
import { lost, untilWon } from '../table/contention.ts';
import { byKey } from '../table/item.ts';
import { isObjected } from './revocation.ts';

/** What a person says of a connection that lives; `by` is the authenticated actor. */
export type LiveWord =
  | {
      readonly action: 'revoke';
      readonly by: string;
      readonly reason?: string;
      /** What the consumer is told of it. */
      readonly toConsumer?: string;
      /** Without a grace period. */
      readonly now?: boolean;
    }
  | {
      readonly action: 'keep';
      readonly by: string;
      readonly reason: string;
      /** ISO 8601, later than now. */
      readonly until: string;
    };

export type LiveAnswer =
  | { readonly status: 'done'; readonly record: ConnectionRecord }
  /** EC2 does not show it connected. */
  | { readonly status: 'not-live'; readonly connection: Connection }
  /** Nothing is to cut it that a person could put off. */
  | { readonly status: 'not-revoking'; readonly record: ConnectionRecord }
  | { readonly status: 'unknown' };

/**
 * A person revokes a connection, or puts off its cut. The word is written down first, and what follows of it is decided like
 * everything else, at once.
 * @throws ContendedError
 */
export async function sayOfLive(
  endpointId: string,
  word: LiveWord,
  deps: Deciding & Looking,
): Promise<LiveAnswer> {
  const [item] = await deps.table.get([recordKey(endpointId)]);
  const known = item && readRecord(item);
  const connection = await findConnection(endpointId, known, deps);
  if (!connection) return { status: 'unknown' };
  if (!isLive(connection.state)) return { status: 'not-live', connection };
  const said = await write(connection, word, deps);
  if (said) return said;
  const decision = await decideConnection(connection, deps);
  if (decision.outcome === 'unregistered') return { status: 'unknown' };
  const { record } = decision;
  if (record.effect?.asked === 0) await orReport(deps.report, () => deps.bell.ring(connection.place));
  return { status: 'done', record };
}

/** @returns why it could not be said. */
async function write(
  connection: Connection,
  word: LiveWord,
  { table, now, requestId }: Deciding,
): Promise<LiveAnswer | undefined> {
  return untilWon(connection.endpointId, async () => {
    const key = recordKey(connection.endpointId);
    const found = byKey(await table.get([key, serviceKey(connection.serviceId)]));
    // Nobody decides it: a word on it would wait until its service is registered again.
    if (!found.find(serviceKey(connection.serviceId))) return { status: 'unknown' };
    const item = found.find(key);
    const before = item && readRecord(item);
    const record = before ?? newRecord(connection);
    if (word.action === 'keep' && !canBeKept(record)) return { status: 'not-revoking', record };
    const writes = transitionWrites(before, said(record, connection, word, now()), requestId);
    return (await table.write(writes)) ? undefined : lost;
  });
}

/** What the policy or a revocation with a grace period is to cut; a block is not put off but lifted. */
function canBeKept({ state, verdict, revocation, effect }: ConnectionRecord): boolean {
  return (
    isLive(state) &&
    revocation !== undefined &&
    effect === undefined &&
    (revocation.cause === 'policy' || revocation.cause === 'person') &&
    !(verdict && isObjected(verdict))
  );
}

function said(
  { kept: _kept, ...before }: ConnectionRecord,
  { state }: Connection,
  word: LiveWord,
  now: Date,
): Transition {
  const at = now.toISOString();
  const { by, action, reason } = word;
  const because = reason === undefined ? {} : { reason };
  // The decision that follows is about what lives.
  const record = { ...before, state };
  if (action === 'keep')
    return {
      record: { ...record, kept: { by, at, until: word.until, ...because } },
      happenings: [{ time: at, actor: by, action: 'kept', cutAt: word.until, ...because }],
    };
  const { approval: _approval, approvals: _approvals, ...unheard } = record;
  const { toConsumer } = word;
  const revoked = {
    by,
    at,
    ...because,
    ...(word.now && { now: true as const }),
    ...(toConsumer !== undefined && { toConsumer }),
  };
  return { record: { ...unheard, revoked }, happenings: [] };
}
