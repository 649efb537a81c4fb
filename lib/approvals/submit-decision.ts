import {
  type ConnectionRecord,
  connectionEntity,
  isAwaitingApproval,
  pickConnection,
  recordKey,
} from '../connections/connection-record.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { type DecideDeps, decideConnection } from '../reconcile/decide-connections.ts';
import { type FindDeps, findConnection } from '../reconcile/find-connection.ts';
import { orReported } from '../runtime/runtime.ts';

/** A person's decision before it is stored; `by` is the authenticated actor. */
export type SubmittedDecision = Omit<PersonDecision, 'at'>;

export type SubmitResult =
  /** With a quorum the request may still be open: its record has the approvals so far. */
  | { readonly status: 'decided'; readonly personDecision: PersonDecision; readonly record: ConnectionRecord }
  /** Another decision came first, or EC2 no longer shows it pending acceptance. */
  | { readonly status: 'not-open'; readonly record?: ConnectionRecord; readonly connection?: Connection }
  | { readonly status: 'unknown' };

/**
 * Approves or denies a request that EC2 shows pending acceptance. Connected endpoints are revoked or extended instead. Checks EC2
 * and the record at the time of the call. Of two concurrent decisions, the record's version lets one win.
 * @throws OptimisticLockError, UnknownGroupError, NotAuthorizedError
 */
export async function submitDecision(
  endpointId: string,
  submittedDecision: SubmittedDecision,
  deps: DecideDeps & FindDeps,
): Promise<SubmitResult> {
  const record = await connectionEntity.find(recordKey(endpointId), deps.table);
  const connection = await findConnection(endpointId, record, deps);
  if (connection?.state !== 'pendingAcceptance') return notOpenResult(endpointId, connection, deps);
  return decideWithPersonDecision(submittedDecision, connection, deps);
}

/**
 * Decides a request or a connection from its recorded state, for callers without access to EC2. apply-verdicts describes it again
 * before it calls EC2.
 * @throws OptimisticLockError, UnknownGroupError, NotAuthorizedError
 */
export async function submitStoredDecision(
  endpointId: string,
  submittedDecision: SubmittedDecision,
  deps: DecideDeps,
): Promise<SubmitResult> {
  const record = await connectionEntity.find(recordKey(endpointId), deps.table);
  // A message has actions only for an approval request, and only a policy decision, which describes EC2, creates one.
  if (!record?.approvalRequest || record.serviceDeregisteredAt !== undefined) return { status: 'unknown' };
  const connection = pickConnection(record);
  if (!canBeDecided(connection, record)) return { status: 'not-open', connection, record };
  return decideWithPersonDecision(submittedDecision, connection, deps);
}

/** Whether EC2 shows it pending acceptance, or connected with an open approval request. */
function canBeDecided({ state }: Connection, record: ConnectionRecord): boolean {
  if (state === 'pendingAcceptance') return true;
  return isConnected(state) && isConnected(record.state) && isAwaitingApproval(record);
}

async function decideWithPersonDecision(
  submittedDecision: SubmittedDecision,
  connection: Connection,
  deps: DecideDeps,
): Promise<SubmitResult> {
  const personDecision: PersonDecision = { ...submittedDecision, at: deps.now().toISOString() };
  const decision = await decideConnection(connection, deps, { decision: personDecision });
  if (decision.outcome === 'unregistered') return { status: 'unknown' };
  const { record } = decision;
  // A failed enqueue does not undo the decision: the sweep also enqueues pending effects.
  if (record.pendingEffect?.attempts === 0)
    await orReported(deps.reportError, 'enqueue pending effects', () =>
      deps.applyQueue.enqueue(connection.location),
    );
  return decision.outcome === 'passed' || decision.outcome === 'not-open'
    ? { status: 'not-open', connection: record, record }
    : { status: 'decided', personDecision, record };
}

/** Reads the record again, because another run may have stored a decision since this one began. */
async function notOpenResult(
  endpointId: string,
  connection: Connection | undefined,
  deps: DecideDeps,
): Promise<SubmitResult> {
  const record = await connectionEntity.find(recordKey(endpointId), deps.table);
  if (!connection && !record) return { status: 'unknown' };
  return { status: 'not-open', ...(connection && { connection }), ...(record && { record }) };
}
