import { type ConnectionStatus, computeConnectionStatus, type StatusContext } from '../approvals/status.ts';
import { nextStepText } from '../approvals/status-text.ts';
import { type AuditEntry, readAuditTrail } from '../audit/audit.ts';
import {
  type ConnectionRecord,
  newRecord,
  pickConnection,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import type { Mode } from '../mode/mode.ts';
import { loadPolicyInputs } from '../policy/policy-inputs.ts';
import { type Connection, type ConnectionState, isAnswered, isConnected } from '../privatelink/connection.ts';
import { type FindDeps, findConnection } from '../reconcile/find-connection.ts';
import { writePlain } from '../values/styled-text.ts';
import { isPaused, type Outcome } from '../verdicts/verdict.ts';

/** A connection as EC2 shows it, with linkgate's verdict and status. */
export interface ConnectionView extends Omit<Connection, 'location'> {
  readonly accountId: string;
  readonly region: string;
  readonly verdict: string | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  readonly status: ConnectionStatus['status'];
  /** ISO 8601: the deadline of the open approval request. */
  readonly deadline: string | null;
  /** The open actions of people. */
  readonly actions: ConnectionStatus['actions'];
  /** The next step, or the commands for it, in a few sentences. */
  readonly nextStep: string;
  /** Describes the difference between the state in EC2 and the verdict, in a sentence. */
  readonly differs: string | null;
  /** ISO 8601: the scheduled disconnect. */
  readonly disconnectAt: string | null;
}

export interface Explanation {
  /** `service`: the provider's own name for the service, if it is registered. */
  readonly connection: ConnectionView & { readonly service?: string };
  readonly verdict: ConnectionRecord['verdict'] | null;
  readonly history: readonly AuditEntry[];
}

/** The policy inputs of a connection, the mode, and whether EC2 lists the endpoint. */
type ConnectionViewContext = Pick<StatusContext, 'service' | 'entries' | 'mode' | 'isRefused'> & {
  readonly isListed?: boolean;
};

export function buildConnectionView(
  { location, ...connection }: Connection,
  record: ConnectionRecord | undefined,
  { isListed = true, ...context }: ConnectionViewContext,
): ConnectionView {
  const verdict = record?.verdict;
  const shown = { ...connection, location };
  const current = {
    ...(record ?? newRecord(shown)),
    ...shown,
    ...(!isListed && { state: 'deleted' as const }),
  };
  const { status, reason, deadline, decidedBy, actions } = computeConnectionStatus(current);
  return {
    ...connection,
    ...location,
    verdict: verdict?.outcome ?? null,
    decidedBy: decidedBy ?? null,
    reason: reason ?? null,
    status,
    deadline: deadline ?? null,
    actions: context.service ? actions : [],
    nextStep: writePlain(nextStepText({ ...context, record: current }), (time) => time),
    differs: record ? mismatchReason(connection.state, record, context.mode) : null,
    // A pause delays a scheduled disconnect; its time is still shown.
    disconnectAt:
      isConnected(connection.state) && verdict && (verdict.outcome === 'reject' || isPaused(verdict))
        ? (record?.revocation?.disconnectAt ?? null)
        : null,
  };
}

const expectedOutcomeTexts: Readonly<Record<Outcome, string>> = {
  accept: 'linkgate would accept it',
  reject: 'linkgate would reject it',
  ask: 'linkgate would request approval',
  hold: 'linkgate would hold it',
};

function mismatchReason(
  state: ConnectionState,
  { verdict, revocation }: ConnectionRecord,
  mode: Mode,
): string | null {
  if (!verdict) return null;
  const { outcome, until } = verdict;
  if (state === 'pendingAcceptance')
    return mode === 'observe' && (outcome === 'accept' || outcome === 'reject')
      ? `${expectedOutcomeTexts[outcome]}, and EC2 still shows it pendingAcceptance`
      : null;
  if (!isAnswered(state)) return null;
  const isToStay =
    isPaused(verdict) || (outcome === 'reject' && until !== undefined) || revocation?.overQuota === true;
  // A connection stays during its grace period, during a pause of its service, and while approval beyond the disconnect quota is
  // pending.
  if (isConnected(state) && isToStay) return null;
  const answer = isConnected(state) ? 'accept' : 'reject';
  return outcome === answer ? null : `${expectedOutcomeTexts[outcome]}, and EC2 shows it ${state}`;
}

/** Explains one connection: its state in EC2, its verdict with reasons, its history and the next step. */
export async function explainConnection(
  endpointId: string,
  deps: FindDeps & { readonly mode: () => Promise<Mode> },
): Promise<Explanation | undefined> {
  const { table } = deps;
  const [[item], history, mode] = await Promise.all([
    table.get([recordKey(endpointId)]),
    readAuditTrail(endpointId, table, deps.reportError),
    deps.mode(),
  ]);
  const record = item && readRecord(item);
  const describedConnection = await findConnection(endpointId, record, deps);
  const connection = describedConnection ?? (record && pickConnection(record));
  if (!connection) return undefined;
  const { service, entries } = await loadPolicyInputs(connection, table);
  const context = {
    service,
    entries,
    mode,
    isListed: describedConnection !== undefined,
    isRefused: history.at(-1)?.action === 'refused',
  };
  return {
    connection: {
      ...buildConnectionView(connection, record, context),
      ...(service && { service: service.name }),
    },
    verdict: record?.verdict ?? null,
    history: [...history].sort((a, b) => a.time.localeCompare(b.time) || a.sequence - b.sequence),
  };
}
