import { emptyGroup, findGroup } from '../approvers/approver-group.ts';
import {
  type ConnectionRecord,
  canBeExtended,
  connectionEntity,
  newRecord,
  pickConnection,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import { type Transition, transitionWrites } from '../connections/transition.ts';
import { requireApprover } from '../policy/authorize.ts';
import { loadPolicyInputs } from '../policy/policy-inputs.ts';
import type { Connection } from '../privatelink/connection.ts';
import { isConnected } from '../privatelink/connection.ts';
import { type DecideDeps, decideConnection } from '../reconcile/decide-connections.ts';
import { type FindDeps, findConnection } from '../reconcile/find-connection.ts';
import { orReported } from '../runtime/runtime.ts';
import { serviceKey } from '../services/service.ts';
import { indexByKey } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { computeExtendedUntil } from './action-text.ts';

/** A person's decision about a connected endpoint; `by` is the authenticated actor. */
export type ConnectedDecisionInput =
  | {
      readonly action: 'revoke';
      readonly by: string;
      readonly reason?: string;
      /** The reason in the customer's notification. */
      readonly customerMessage?: string;
      /** Disconnects without a grace period. */
      readonly now?: boolean;
    }
  | {
      readonly action: 'keep';
      readonly by: string;
      readonly reason?: string;
      /** ISO 8601, later than now. */
      readonly until: string;
      /** ISO 8601: the disconnect time that the person saw. If it has changed, the connection is not extended. */
      readonly expectedDisconnectAt?: string;
    };

export type ConnectedDecisionResult =
  | { readonly status: 'done'; readonly record: ConnectionRecord }
  /** EC2 does not show it connected. */
  | { readonly status: 'not-connected'; readonly connection: Connection }
  /** It has no scheduled disconnect that a person could extend. */
  | { readonly status: 'no-scheduled-disconnect'; readonly record: ConnectionRecord }
  | { readonly status: 'unknown' };

/**
 * Revokes or extends a connection by a person's decision. Records the decision before it evaluates the connection.
 * @throws OptimisticLockError
 */
export async function decideConnectedByPerson(
  endpointId: string,
  decisionInput: ConnectedDecisionInput,
  deps: DecideDeps & FindDeps,
): Promise<ConnectedDecisionResult> {
  const record = await connectionEntity.find(recordKey(endpointId), deps.table);
  const connection = await findConnection(endpointId, record, deps);
  if (!connection) return { status: 'unknown' };
  if (!isConnected(connection.state)) return { status: 'not-connected', connection };
  return recordAndDecide(connection, decisionInput, deps);
}

/**
 * Extends a connection by 14 days from its recorded state, for callers without access to EC2.
 * @param from the disconnect time that the approver saw. ISO 8601.
 * @throws OptimisticLockError, NotAuthorizedError
 */
export async function extendStoredConnection(
  endpointId: string,
  { from, ...author }: { readonly by: string; readonly reason?: string; readonly from: string },
  deps: DecideDeps,
): Promise<ConnectedDecisionResult> {
  const record = await connectionEntity.find(recordKey(endpointId), deps.table);
  if (!record?.approvalRequest || record.serviceDeregisteredAt !== undefined) return { status: 'unknown' };
  const connection = pickConnection(record);
  if (!isConnected(connection.state)) return { status: 'not-connected', connection };
  const { service, entries } = await loadPolicyInputs(record, deps.table);
  if (!service) return { status: 'unknown' };
  const group = (await findGroup(service.approvers, deps.table)) ?? emptyGroup(service.approvers);
  requireApprover({ by: author.by, decision: 'approve' }, { service, group, entries });
  const now = deps.now();
  const until = computeExtendedUntil(record, now);
  if (new Date(until).getTime() - now.getTime() > maxExtensionMs)
    return { status: 'no-scheduled-disconnect', record };
  return recordAndDecide(connection, { ...author, action: 'keep', until, expectedDisconnectAt: from }, deps);
}

/** The longest extension from now, in milliseconds: one year. */
export const maxExtensionMs = 365 * 86_400_000;

async function recordAndDecide(
  connection: Connection,
  decisionInput: ConnectedDecisionInput,
  deps: DecideDeps,
): Promise<ConnectedDecisionResult> {
  const failure = await recordConnectedDecision(connection, decisionInput, deps);
  if (failure) return failure;
  const decision = await decideConnection(connection, deps);
  if (decision.outcome === 'unregistered') return { status: 'unknown' };
  const { record } = decision;
  if (record.pendingEffect?.attempts === 0)
    await orReported(deps.reportError, 'enqueue pending effects', () =>
      deps.applyQueue.enqueue(connection.location),
    );
  return { status: 'done', record };
}

/** @returns the reason why linkgate could not record the decision, undefined after success. */
async function recordConnectedDecision(
  connection: Connection,
  decisionInput: ConnectedDecisionInput,
  { table, now, requestId }: DecideDeps,
): Promise<ConnectedDecisionResult | undefined> {
  return retryOnConflict(connection.endpointId, async () => {
    const key = recordKey(connection.endpointId);
    const itemsByKey = indexByKey(await table.get([key, serviceKey(connection.serviceId)]));
    // A deregistered service evaluates no connection, and the decision would wait for the next registration.
    if (!itemsByKey.find(serviceKey(connection.serviceId))) return { status: 'unknown' };
    const item = itemsByKey.find(key);
    const before = item && readRecord(item);
    const record = before ?? newRecord(connection);
    if (
      decisionInput.action === 'keep' &&
      !(canBeExtended(record) && isDisconnectTimeUnchanged(record, decisionInput))
    )
      return { status: 'no-scheduled-disconnect', record };
    const writes = transitionWrites(
      before,
      applyConnectedDecision(record, connection, decisionInput, now()),
      requestId,
    );
    return (await table.write(writes)) ? undefined : conflict;
  });
}

function isDisconnectTimeUnchanged(
  { revocation }: ConnectionRecord,
  { expectedDisconnectAt }: { readonly expectedDisconnectAt?: string },
): boolean {
  return expectedDisconnectAt === undefined || revocation?.disconnectAt === expectedDisconnectAt;
}

function applyConnectedDecision(
  { extended: _extended, ...before }: ConnectionRecord,
  { state }: Connection,
  decisionInput: ConnectedDecisionInput,
  now: Date,
): Transition {
  const at = now.toISOString();
  const { by, action, reason } = decisionInput;
  const reasonField = reason === undefined ? {} : { reason };
  // The next evaluation needs the state in EC2.
  const record = { ...before, state };
  if (action === 'keep')
    return {
      record: { ...record, extended: { by, at, until: decisionInput.until, ...reasonField } },
      auditEvents: [
        { time: at, actor: by, action: 'extended', disconnectAt: decisionInput.until, ...reasonField },
      ],
    };
  const { personDecision: _personDecision, approvals: _approvals, ...recordWithoutApprovals } = record;
  const { customerMessage } = decisionInput;
  const revokeOrder = {
    by,
    at,
    ...reasonField,
    ...(decisionInput.now && { immediate: true as const }),
    ...(customerMessage !== undefined && { customerMessage }),
  };
  return { record: { ...recordWithoutApprovals, revokeOrder }, auditEvents: [] };
}
