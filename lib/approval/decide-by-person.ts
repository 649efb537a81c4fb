import { type Connection, isLive } from '../connection/connection.ts';
import { type ConnectionRecord, connectionOf, findRecord, isOpen } from '../connection/connection-record.ts';
import { type Deciding, decideConnection } from '../connection/decide-connections.ts';
import { findConnection, type Looking } from '../connection/find-connection.ts';
import { orReport } from '../invocation.ts';
import type { Approval } from './approval.ts';

/** What a person says; `by` is the authenticated actor. */
export type Word = Omit<Approval, 'at'>;

export type PersonsDecision =
  /** Where it takes several people, the request may be open still: its record says how many have approved. */
  | { readonly status: 'decided'; readonly approval: Approval; readonly record: ConnectionRecord }
  /** Somebody or something was faster, or EC2 no longer waits for an answer. */
  | { readonly status: 'not-open'; readonly record?: ConnectionRecord; readonly connection?: Connection }
  | { readonly status: 'unknown' };

/**
 * A person approves or denies a request that EC2 shows waiting, by command; a connection that lives is neither approved nor
 * denied by command. Whether it is open is checked in EC2 and in the record at this moment; of two people at once one wins, by
 * the record's version.
 * @throws ContendedError, UnknownGroupError, MayNotDecideError
 */
export async function decideByPerson(
  endpointId: string,
  word: Word,
  deps: Deciding & Looking,
): Promise<PersonsDecision> {
  const known = await findRecord(endpointId, deps.table);
  const connection = await findConnection(endpointId, known, deps);
  if (connection?.state !== 'pendingAcceptance') return notOpen(endpointId, connection, deps);
  return decideWith(word, connection, deps);
}

/**
 * For those who cannot ask EC2, of a request or a connection that people were asked about: as it was last seen. The actor looks again before it acts.
 * @throws ContendedError, UnknownGroupError, MayNotDecideError
 */
export async function decideAsRecorded(
  endpointId: string,
  word: Word,
  deps: Deciding,
): Promise<PersonsDecision> {
  const record = await findRecord(endpointId, deps.table);
  // Where nobody was asked nothing was shown: what begins to wait is the policy's to say, which looks at EC2.
  if (!record?.asking || record.abandonedAt !== undefined) return { status: 'unknown' };
  const connection = connectionOf(record);
  if (!mayBeDecided(connection, record)) return { status: 'not-open', connection, record };
  return decideWith(word, connection, deps);
}

/** A request that waits in EC2, or a connection that lives and that people were asked about. */
function mayBeDecided({ state }: Connection, record: ConnectionRecord): boolean {
  if (state === 'pendingAcceptance') return true;
  return isLive(state) && isLive(record.state) && isOpen(record);
}

async function decideWith(word: Word, connection: Connection, deps: Deciding): Promise<PersonsDecision> {
  const approval: Approval = { ...word, at: deps.now().toISOString() };
  const decision = await decideConnection(connection, deps, { word: approval });
  if (decision.outcome === 'unregistered') return { status: 'unknown' };
  const { record } = decision;
  // The decision stands, whatever becomes of the ring: the sweep rings too.
  if (record.effect?.asked === 0) await orReport(deps.report, () => deps.bell.ring(connection.place));
  return decision.outcome === 'passed' || decision.outcome === 'not-open'
    ? { status: 'not-open', connection: record, record }
    : { status: 'decided', approval, record };
}

/** Who decided it may have been written down only after this person's look at it began. */
async function notOpen(
  endpointId: string,
  connection: Connection | undefined,
  deps: Deciding,
): Promise<PersonsDecision> {
  const record = await findRecord(endpointId, deps.table);
  if (!connection && !record) return { status: 'unknown' };
  return { status: 'not-open', ...(connection && { connection }), ...(record && { record }) };
}
