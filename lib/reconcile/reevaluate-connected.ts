import { isDeepStrictEqual } from 'node:util';
import type { PolicyVersions } from '../audit/audit.ts';
import { type ConnectionRecord, isVerdictCurrent } from '../connections/connection-record.ts';
import { type PersonDecision, pickRecordedDecisions } from '../connections/person-decision.ts';
import { transitionWrites } from '../connections/transition.ts';
import { buildAllowlistChange } from '../policy/allowlist-change.ts';
import { applyReevaluation } from '../policy/connected/apply-reevaluation.ts';
import { type ConnectedContext, decideConnected } from '../policy/connected/decide-connected.ts';
import type { QuotaUse } from '../policy/endpoint-quota.ts';
import { addDecision, isDuplicateDecision, withQuorumFinding } from '../policy/evaluate-decision.ts';
import type { Policy } from '../policy/rule.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { Table } from '../storage/table.ts';
import type { Prepared } from '../storage/write-batch.ts';
import type { Verdict } from '../verdicts/verdict.ts';

interface ReevaluationResult {
  readonly outcome: Verdict['outcome'];
  readonly record: ConnectionRecord;
  readonly isNew: boolean;
}

interface ReevaluateConnectedDeps extends ConnectedContext {
  readonly policy: Policy;
  readonly policyVersions: PolicyVersions;
  readonly count: QuotaUse;
}

/**
 * Decides whether linkgate keeps a connected endpoint, disconnects it now or later, or requests approval.
 * @throws for a person's decision UnknownGroupError and NotAuthorizedError
 */
export async function reevaluateConnected(
  connection: Connection,
  before: ConnectionRecord | undefined,
  decision: PersonDecision | undefined,
  { policy, policyVersions, count, ...context }: ReevaluateConnectedDeps,
  deps: { readonly table: Table; readonly requestId: string },
): Promise<Prepared<ReevaluationResult>> {
  const { service, entries } = policy;
  const { now } = context;
  const earlierDecisions = isDenialOfRequest(before) ? {} : pickRecordedDecisions(before);
  const personDecisions = decision
    ? await addDecision(decision, earlierDecisions, policy, deps.table)
    : earlierDecisions;
  if (decision && before?.verdict && isDuplicateDecision(decision, before, personDecisions))
    return { output: { outcome: before.verdict.outcome, record: before, isNew: false }, writes: [] };
  const isApproval = decision !== undefined && personDecisions.personDecision?.decision === 'approve';
  const history = isApproval ? omitRevokeOrder(before) : before;
  const evaluated = decideConnected(
    connection,
    history && { ...history, ...personDecisions },
    policy,
    context,
  );
  const connectedDecision = { ...evaluated, verdict: withQuorumFinding(evaluated.verdict, personDecisions) };
  const change = decision && buildAllowlistChange(personDecisions, connection, entries, now);
  const restsOn = change ? { ...policyVersions, entry: change.entry.version } : policyVersions;
  const decisionContext = { personDecisions, entry: change?.entry, ...(decision && { decision }) };
  const details = [restsOn, service, now, decisionContext] as const;
  const transition = applyReevaluation(before, connection, connectedDecision, ...details);
  if (before?.verdict && !decision && isUnchangedReevaluation(before, transition.record, now))
    return { output: { outcome: before.verdict.outcome, record: before, isNew: false }, writes: [] };
  const after = { ...transition.record, ...(count.isLimited && { countsTowardQuota: true }) };
  return {
    output: { outcome: connectedDecision.verdict.outcome, record: after, isNew: true },
    writes: [
      ...transitionWrites(before, { ...transition, record: after }, deps.requestId),
      ...count.quotaWrites(true, false),
      ...(change ? [change.write] : []),
    ],
  };
}

/** Returns the history for an approval, which overrides an earlier revocation by a person. */
function omitRevokeOrder(before: ConnectionRecord | undefined) {
  const { revokeOrder: _revokeOrder, ...history } = before ?? {};
  return history;
}

/** Whether the decisions are about the former request. A denial or missing approvals do not apply to the connected endpoint. */
function isDenialOfRequest(before: ConnectionRecord | undefined): boolean {
  return before?.reevaluatedAt === undefined && before?.personDecision?.decision !== 'approve';
}

/** Whether the new record equals the old one, under the same policy versions. */
function isUnchangedReevaluation(before: ConnectionRecord, after: ConnectionRecord, now: Date): boolean {
  if (
    !before.verdict ||
    !after.verdict ||
    !isVerdictCurrent(before.verdict, after.verdict.policyVersions, now)
  )
    return false;
  const comparableFields = ({ verdict, ...record }: ConnectionRecord) => [
    { ...verdict, decidedAt: '' },
    { ...record, version: 0, reevaluatedAt: '' },
  ];
  return isDeepStrictEqual(comparableFields(before), comparableFields(after));
}
