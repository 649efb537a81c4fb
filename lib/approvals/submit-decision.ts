import {
  type ConnectionRecord,
  findRecord,
  isAwaitingApproval,
  pickConnection,
} from '../connections/connection-record.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { type DecideDeps, decideConnection } from '../reconcile/decide-connections.ts';
import { type FindDeps, findConnection } from '../reconcile/find-connection.ts';
import { orReported } from '../runtime/runtime.ts';

/** What a person says; `by` is the authenticated actor. */
export type SubmittedDecision = Omit<PersonDecision, 'at'>;

export type SubmitResult =
  /** Where it takes several people, the request may be open still: its record says how many have approved. */
  | { readonly status: 'decided'; readonly approval: PersonDecision; readonly record: ConnectionRecord }
  /** Somebody or something was faster, or EC2 no longer waits for an answer. */
  | { readonly status: 'not-open'; readonly record?: ConnectionRecord; readonly connection?: Connection }
  | { readonly status: 'unknown' };

/**
 * A person approves or denies a request that EC2 shows waiting, by command; a connection that lives is neither approved nor
 * denied by command. Whether it is open is checked in EC2 and in the record at this moment; of two people at once one wins, by
 * the record's version.
 * @throws OptimisticLockError, UnknownGroupError, NotAuthorizedError
 */
export async function submitDecision(
  endpointId: string,
  word: SubmittedDecision,
  deps: DecideDeps & FindDeps,
): Promise<SubmitResult> {
  const known = await findRecord(endpointId, deps.table);
  const connection = await findConnection(endpointId, known, deps);
  if (connection?.state !== 'pendingAcceptance') return notOpenResult(endpointId, connection, deps);
  return decideWithPersonDecision(word, connection, deps);
}

/**
 * For those who cannot ask EC2, of a request or a connection that people were asked about: as it was last seen. The actor looks again before it acts.
 * @throws OptimisticLockError, UnknownGroupError, NotAuthorizedError
 */
export async function submitStoredDecision(
  endpointId: string,
  word: SubmittedDecision,
  deps: DecideDeps,
): Promise<SubmitResult> {
  const record = await findRecord(endpointId, deps.table);
  // Where nobody was asked nothing was shown: what begins to wait is the policy's to say, which looks at EC2.
  if (!record?.approvalRequest || record.serviceDeregisteredAt !== undefined) return { status: 'unknown' };
  const connection = pickConnection(record);
  if (!canBeDecided(connection, record)) return { status: 'not-open', connection, record };
  return decideWithPersonDecision(word, connection, deps);
}

/** A request that waits in EC2, or a connection that lives and that people were asked about. */
function canBeDecided({ state }: Connection, record: ConnectionRecord): boolean {
  if (state === 'pendingAcceptance') return true;
  return isConnected(state) && isConnected(record.state) && isAwaitingApproval(record);
}

async function decideWithPersonDecision(
  word: SubmittedDecision,
  connection: Connection,
  deps: DecideDeps,
): Promise<SubmitResult> {
  const approval: PersonDecision = { ...word, at: deps.now().toISOString() };
  const decision = await decideConnection(connection, deps, { word: approval });
  if (decision.outcome === 'unregistered') return { status: 'unknown' };
  const { record } = decision;
  // The decision stands, whatever becomes of the ring: the sweep rings too.
  if (record.pendingEffect?.attempts === 0)
    await orReported(deps.reportError, () => deps.applyQueue.enqueue(connection.location));
  return decision.outcome === 'passed' || decision.outcome === 'not-open'
    ? { status: 'not-open', connection: record, record }
    : { status: 'decided', approval, record };
}

/** Who decided it may have been written down only after this person's look at it began. */
async function notOpenResult(
  endpointId: string,
  connection: Connection | undefined,
  deps: DecideDeps,
): Promise<SubmitResult> {
  const record = await findRecord(endpointId, deps.table);
  if (!connection && !record) return { status: 'unknown' };
  return { status: 'not-open', ...(connection && { connection }), ...(record && { record }) };
}
