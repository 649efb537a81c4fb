import * as v from 'valibot';
import { type Connection, ConnectionState, isLive } from '../connection/connection.ts';
import { type Deciding, type Decision, decideConnection, keysFor } from '../connection/decide-connections.ts';
import type { Place } from '../place.ts';
import { policyKeys } from '../policy/consult.ts';
import { reasonOf } from '../policy/decide.ts';
import { readService, serviceKey } from '../service/service.ts';
import { keyName, leftOut, readEach } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { itemsAfter, madeByKey } from './after.ts';
import type { Change } from './change.ts';
import { dreamOf } from './dream.ts';
import type { Hand } from './made.ts';

/** What would become of a connection by a plan that does not become of it now. */
export const Effect = v.object({
  /** `stays`: it was to be cut, or asked about. `cut-later`: at the end of its grace period, unless something changes before. */
  effect: v.picklist(['cut', 'cut-later', 'accept', 'reject', 'ask', 'stays', 'wait']),
  endpointId: v.string(),
  /** The service's own name. */
  service: v.string(),
  serviceId: v.string(),
  ownerAccountId: v.string(),
  state: ConnectionState,
  reason: v.string(),
  /** ISO 8601: when it would be cut. */
  at: v.exactOptional(v.string()),
});
export type Effect = v.InferOutput<typeof Effect>;

/** What becomes of a connection, by the table as it is or as it would be. */
type Fate = Pick<Effect, 'effect' | 'reason' | 'at'>;

export interface Weighing extends Deciding {
  readonly hub: Place;
  /** Milliseconds until this run must have ended. */
  readonly remaining: () => number;
}

/** What a run keeps free, in milliseconds. */
const reserve = 12_000;

/**
 * What changes would do to connections: each is decided twice by the very code that decides, in the table as it is and in the table as
 * the changes would leave it, and nothing of either is kept. One after the other, since endpoints that count depend on one another.
 * @returns how many of the connections there was time for.
 */
export async function effectsOn(
  connections: readonly Connection[],
  changes: readonly Change[],
  hand: Hand,
  deps: Weighing,
): Promise<{ readonly effects: Effect[]; readonly looked: number }> {
  const { touched, now, after } = await lookAt(connections, changes, hand, deps);
  const asIs = dreamOf(deps.table, now);
  const asWouldBe = dreamOf(deps.table, after);
  const effects: Effect[] = [];
  for (const [index, connection] of connections.entries()) {
    if (index > 0 && deps.remaining() < reserve) return { effects, looked: index };
    if (!touched.has(connection)) continue;
    const dreaming = { ...deps, now: () => hand.now, bell: { ring: async () => {} } };
    const fateIn = async (table: Table) =>
      fateOf(connection, await decideConnection(connection, { ...dreaming, table }));
    // Of what rests on an item that cannot be read nothing can be said.
    const was = await fateIn(asIs).catch(leftOut(deps.report));
    const fate = await fateIn(asWouldBe).catch(leftOut(deps.report));
    if (!was || !fate || !isOther(was, fate)) continue;
    const key = keyName(serviceKey(connection.serviceId));
    const service = after.get(key) ?? now.get(key);
    const { endpointId, serviceId, ownerAccountId, state } = connection;
    const [known] = readEach(service ? [service] : [], readService, deps.report);
    const name = known?.name ?? serviceId;
    effects.push({ ...fate, endpointId, service: name, serviceId, ownerAccountId, state });
  }
  return { effects, looked: connections.length };
}

/** The connections of which a change may make something else, and all that decisions about them read. */
async function lookAt(
  connections: readonly Connection[],
  changes: readonly Change[],
  hand: Hand,
  deps: Weighing,
) {
  const made = madeByKey(changes);
  const touched = connections
    .filter(({ state }) => state === 'pendingAcceptance' || isLive(state))
    .filter((connection) => policyKeys(connection).some((key) => made.has(keyName(key))));
  const items = await itemsAfter(touched.flatMap(keysFor), made, hand, deps);
  return { touched: new Set(touched), ...items };
}

function fateOf(connection: Connection, decision: Decision): Fate {
  const { state } = connection;
  const verdict = 'isNew' in decision ? decision.record.verdict : undefined;
  if (!verdict) return untouched(connection);
  const { outcome, until } = verdict;
  const reason = reasonOf(verdict);
  if (!isLive(state) || outcome === 'ask' || outcome === 'wait') return { effect: outcome, reason };
  if (outcome === 'accept') return { effect: 'stays', reason };
  return until === undefined ? { effect: 'cut', reason } : { effect: 'cut-later', reason, at: until };
}

/** What becomes of it where no registered service decides it. */
function untouched({ state }: Connection): Fate {
  const reason = 'linkgate does not look after its service then: nobody decides it';
  return { effect: isLive(state) ? 'stays' : 'wait', reason };
}

function isOther(was: Fate, would: Fate): boolean {
  return was.effect !== would.effect || was.at !== would.at;
}
