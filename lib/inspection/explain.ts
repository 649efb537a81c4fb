import { type AuditEntry, readAuditTrail } from '../audit/audit.ts';
import {
  type ConnectionRecord,
  pickConnection,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import type { Mode } from '../mode/mode.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import { effectiveEntry } from '../policy/rule.ts';
import { type Connection, type ConnectionState, isAnswered, isConnected } from '../privatelink/connection.ts';
import { type FindDeps, findConnection } from '../reconcile/find-connection.ts';
import { indexByKey } from '../storage/entity.ts';
import { isPaused, type Outcome, primaryReason } from '../verdicts/verdict.ts';
import { nextStep } from './next-step.ts';

/** A connection as EC2 shows it, beside what linkgate decided of it. */
export interface ConnectionView extends Omit<Connection, 'location'> {
  readonly accountId: string;
  readonly region: string;
  readonly verdict: string | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  /** Where what EC2 shows is not what linkgate decided: in what, as a sentence. */
  readonly differs: string | null;
  /** ISO 8601: when it is cut, as things stand. */
  readonly disconnectAt: string | null;
}

export interface Explanation {
  /** `service`: the provider's own name for it, where it is registered. */
  readonly connection: ConnectionView & { readonly service?: string };
  readonly verdict: ConnectionRecord['verdict'] | null;
  readonly history: readonly AuditEntry[];
  /** What comes next, or what somebody has to do, in a sentence. */
  readonly next: string;
}

export function buildConnectionView(
  { location, ...connection }: Connection,
  record: ConnectionRecord | undefined,
  mode: Mode,
): ConnectionView {
  const verdict = record?.verdict;
  return {
    ...connection,
    ...location,
    verdict: verdict?.outcome ?? null,
    decidedBy: record ? selectDecider(record) : null,
    reason: verdict ? primaryReason(verdict) : null,
    differs: record ? mismatchReason(connection.state, record, mode) : null,
    // A pause keeps what is to be cut; when that was to be is no secret.
    disconnectAt:
      isConnected(connection.state) && verdict && (verdict.outcome === 'reject' || isPaused(verdict))
        ? (record?.revocation?.disconnectAt ?? null)
        : null,
  };
}

/** Who settled it: what is cut by command is the word of whoever gave that. */
function selectDecider({ verdict, revocation }: ConnectionRecord): string | null {
  if (!verdict) return null;
  const isCommand = verdict.outcome === 'reject' && revocation && revocation.cause !== 'policy';
  return isCommand ? revocation.by : verdict.decidedBy;
}

const expectedOutcomeTexts: Readonly<Record<Outcome, string>> = {
  accept: 'linkgate would accept it',
  reject: 'linkgate would reject it',
  ask: 'linkgate would leave it to a person',
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
      ? `${expectedOutcomeTexts[outcome]}, and EC2 still shows it waiting`
      : null;
  if (!isAnswered(state)) return null;
  const isToStay =
    isPaused(verdict) || (outcome === 'reject' && until !== undefined) || revocation?.overQuota === true;
  // It stays until it is cut, while its service is stopped, and while people are asked since no more may be cut.
  if (isConnected(state) && isToStay) return null;
  const answer = isConnected(state) ? 'accept' : 'reject';
  return outcome === answer ? null : `${expectedOutcomeTexts[outcome]}, and EC2 shows it ${state}`;
}

/** The story of one connection: what EC2 shows, what was decided and why, and each step since. */
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
  const shown = await findConnection(endpointId, record, deps);
  const connection = shown ?? (record && pickConnection(record));
  if (!connection) return undefined;
  const policy = readPolicyInputs(connection, indexByKey(await table.get(policyInputKeys(connection))));
  const { service } = policy;
  return {
    connection: {
      ...buildConnectionView(connection, record, mode),
      ...(service && { service: service.name }),
    },
    verdict: record?.verdict ?? null,
    history: [...history].sort((a, b) => a.time.localeCompare(b.time) || a.sequence - b.sequence),
    next: nextStep(connection, record, {
      isListed: shown !== undefined,
      service,
      entry: effectiveEntry(policy),
      mode,
      isRefused: history.at(-1)?.action === 'refused',
    }),
  };
}
