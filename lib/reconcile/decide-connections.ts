import { isDeepStrictEqual } from 'node:util';
import { effectiveEntry } from '../allowlist/effective-entry.ts';
import type { AuditEvent, PolicyVersions } from '../audit/audit.ts';
import { nextApprovalRequest } from '../connections/approval-request.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  isManagedByUs,
  isRevokedWhilePending,
  isRightlyAnswered,
  isUndone,
  isVerdictCurrent,
  maybeConnected,
  pickConnection,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import { awaitedGroup } from '../connections/indexes.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import { reopenedReason } from '../connections/record-state.ts';
import {
  applyDecision,
  holdConnected,
  markDeregistered,
  recordExternalRejection,
  resetNotification,
  type Transition,
  transitionWrites,
} from '../connections/transition.ts';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import { buildAllowlistChange } from '../policy/allowlist-change.ts';
import { omitDisconnecting } from '../policy/connected/counted-endpoints.ts';
import type { ConnectedContext } from '../policy/connected/decide-connected.ts';
import { holdForUnreadable } from '../policy/decide.ts';
import { endpointQuotaKey, hasFreedQuota, type QuotaUse, readQuotaUse } from '../policy/endpoint-quota.ts';
import { evaluateWithDecision, isDuplicateDecision } from '../policy/evaluate-decision.ts';
import { isHeldBack } from '../policy/held-back.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Policy, Rule } from '../policy/rule.ts';
import { type Connection, isAnswered, isConnected } from '../privatelink/connection.ts';
import type { Connections } from '../privatelink/connections.ts';
import { type Runtime, settleEach } from '../runtime/runtime.ts';
import { serviceKey } from '../services/service.ts';
import { type ItemIndex, indexByKey, parseEach, UnreadableItemError } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table } from '../storage/table.ts';
import type { Finding, Verdict } from '../verdicts/verdict.ts';
import type { ApplyQueue } from './apply-queue.ts';
import { reevaluateConnected } from './reevaluate-connected.ts';

export interface DecideDeps extends Runtime {
  readonly table: Table;
  /** Absent if the caller has no access to EC2. Then only the stored endpoint quota counts. */
  readonly connectionsClient?: (location: AccountRegion) => Connections;
  readonly applyQueue: ApplyQueue;
  readonly rules: readonly Rule[];
}

/** The result of a decision. `passed`: EC2 shows a later state. `not-open`: a person decided too late. */
export type DecideResult =
  | { readonly outcome: Verdict['outcome']; readonly record: ConnectionRecord; readonly isNew: boolean }
  | { readonly outcome: 'not-open'; readonly record: ConnectionRecord }
  | { readonly outcome: 'passed'; readonly record: ConnectionRecord }
  | { readonly outcome: 'unregistered' };

/** A request, with the time of the describe call (ISO 8601), if known. */
type DescribedRequest = Connection & { readonly observedAt?: string };

interface DecideOptions {
  /** The items of the first attempt, from a batch read. */
  readonly existing?: ItemIndex;
  readonly decision?: PersonDecision;
  readonly observedAt?: string | undefined;
}

/** Reads the inputs of all requests at once, decides each separately, and enqueues each location with pending effects once. */
export async function decideConnections(requests: readonly DescribedRequest[], deps: DecideDeps) {
  const existing = indexByKey(await deps.table.get(requests.flatMap(decisionKeys)));
  const results = await settleEach(requests, ({ observedAt, ...request }) =>
    decideConnection(request, deps, { existing, observedAt }),
  );
  const locations = new Map(
    results.flatMap((result) =>
      'output' in result && isUnappliedVerdict(result.output)
        ? [[formatAccountRegion(result.input.location), result.input.location] as const]
        : [],
    ),
  );
  await Promise.all([...locations.values()].map((location) => deps.applyQueue.enqueue(location)));
  return results;
}

/**
 * Decides one request, and writes verdict, audit entries, pending effect and a person's decision in one transaction. With a
 * quorum above one, an approval may leave the request open. On a conflict the function reads and decides again.
 * @throws OptimisticLockError, and for a person's decision UnknownGroupError and NotAuthorizedError
 */
export async function decideConnection(
  request: Connection,
  deps: DecideDeps,
  { existing, decision, observedAt }: DecideOptions = {},
): Promise<DecideResult> {
  return retryOnConflict(request.endpointId, async (isFirst) => {
    const itemIndex = (isFirst && existing) || indexByKey(await deps.table.get(decisionKeys(request)));
    const now = deps.now();
    const { service, entries, unreadable, ...policyInputs } = readPolicyInputs(request, itemIndex);
    const { policyVersions, restoredAt } = policyInputs;
    const item = itemIndex.find(recordKey(request.endpointId));
    const record = item && readRecord(item);
    if (!itemIndex.find(serviceKey(request.serviceId)))
      return record && isAwaitedByLinkgate(record)
        ? saveDeregistered(record, deps)
        : { outcome: 'unregistered' };
    const isReopened = record && isPendingAgain(record, request, observedAt);
    const before =
      record && (isReopened ? reopenRequest(record, observedAt) : reopenIfRelisted(record, request));
    if (before && isAlreadyAnswered(before, request, restoredAt))
      return { outcome: 'passed', record: before };
    if (decision && before && !isAwaitingApproval(before)) return { outcome: 'not-open', record: before };
    const isReview = isConnected(request.state) && !(before && isRevokedWhilePending(before, restoredAt));
    const isFree = hasFreedQuota(request, before?.verdict, itemIndex);
    if (!isReview && !decision && !isFree && before?.verdict && isStillDecided(before, policyVersions, now))
      return { outcome: before.verdict.outcome, record: before, isNew: false };

    const again = isReopened ? [reopenedEvent(record, now)] : [];
    const held = (errors: readonly UnreadableItemError[]) =>
      saveHold(request, { record, before, again, decision, isReview, policyVersions, now }, errors, deps);
    if (!service || unreadable.length > 0) return held(unreadable);
    const count = await readQuotaUse(request, entries, itemIndex, deps).catch(toUnreadableError);
    if (count instanceof UnreadableItemError) return held([count]);
    const rules = { service, entries, rules: deps.rules };
    if (isReview) {
      const context = { ...policyInputs, now };
      const countedEndpointIds = await selectCountedEndpoints(request, rules, count, context, deps);
      const policy = { ...rules, countedEndpointIds };
      return reevaluateConnected(request, before, decision, { ...context, policy, count }, deps);
    }
    const policy = { ...rules, countedEndpointIds: count.endpointIdsBefore };
    const { verdict, ...evaluated } = await evaluateWithDecision(request, before, decision, {
      ...deps,
      policy,
      now,
    });
    if (
      evaluated.decision &&
      before?.verdict &&
      isDuplicateDecision(evaluated.decision, before, evaluated.personDecisions)
    )
      return { outcome: before.verdict.outcome, record: before, isNew: false };
    const approvalRequest = nextApprovalRequest(before?.approvalRequest, verdict, {
      service,
      version: before?.version ?? 0,
      now,
    });
    const change =
      evaluated.decision && buildAllowlistChange(evaluated.personDecisions, request, entries, now);
    const restsOn = change ? { ...policyVersions, entry: change.entry.version } : policyVersions;
    const transition =
      before || !isAnswered(request.state)
        ? applyDecision(before, request, verdict, restsOn, now, {
            ...evaluated,
            approvalRequest,
            entry: change?.entry,
          })
        : recordExternalRejection(request, verdict, restsOn, now);
    const countsTowardQuota = count.isLimited && maybeConnected(transition.record, now);
    const after = { ...transition.record, countsTowardQuota };
    const isWritten = await deps.table.write([
      ...transitionWrites(
        record,
        { record: after, auditEvents: [...again, ...transition.auditEvents] },
        deps.requestId,
      ),
      ...count.quotaWrites(countsTowardQuota, isHeldBack(verdict)),
      ...(change ? [change.write] : []),
    ]);
    if (!isWritten) return conflict;
    return decision && !evaluated.decision
      ? { outcome: 'not-open', record: after }
      : { outcome: verdict.outcome, record: after, isNew: true };
  });
}

/** Reads the records of the endpoints before a connected one, only if they use up the limit. */
async function selectCountedEndpoints(
  { endpointId }: Connection,
  rules: Omit<Policy, 'countedEndpointIds'>,
  { endpointIds }: QuotaUse,
  context: ConnectedContext,
  { table, reportError }: DecideDeps,
): Promise<readonly string[]> {
  const policy = { ...rules, countedEndpointIds: endpointIds };
  const maxEndpoints = effectiveEntry(policy)?.maxEndpoints;
  const earlierIds = endpointIds.includes(endpointId)
    ? endpointIds.slice(0, endpointIds.indexOf(endpointId))
    : endpointIds;
  if (maxEndpoints === undefined || earlierIds.length < maxEndpoints) return endpointIds;
  // An endpoint with an unreadable record counts.
  const records = parseEach(await table.get(earlierIds.map(recordKey)), readRecord, reportError);
  const others = records.map((record) => ({ connection: pickConnection(record), record }));
  return omitDisconnecting(policy, others, context);
}

function toUnreadableError(error: unknown): UnreadableItemError {
  if (error instanceof UnreadableItemError) return error;
  throw error;
}

interface HoldContext {
  readonly record: ConnectionRecord | undefined;
  readonly before: ConnectionRecord | undefined;
  /** Builds the audit event of a reopened request. */
  readonly again: Transition['auditEvents'];
  readonly decision: PersonDecision | undefined;
  readonly isReview: boolean;
  readonly policyVersions: PolicyVersions;
  readonly now: Date;
}

/**
 * Puts a request on hold because an input of the decision is unreadable.
 * @throws UnreadableItemError for a person's decision, and for a connection that others answered before linkgate decided it: a
 * present verdict would count as an earlier one.
 */
async function saveHold(
  request: Connection,
  { record, before, again, decision, isReview, policyVersions, now }: HoldContext,
  unreadable: readonly UnreadableItemError[],
  deps: DecideDeps,
): Promise<DecideResult | typeof conflict> {
  const [first] = unreadable;
  if (first && (decision || (!before?.verdict && isAnswered(request.state)))) throw first;
  const verdict = holdForUnreadable(unreadable, now);
  if (before?.verdict && isSameHold(before.verdict, verdict))
    return { outcome: 'hold', record: before, isNew: false };
  for (const error of unreadable) deps.reportError(error, 'read item');
  const transition =
    before && isReview
      ? holdConnected(before, verdict, policyVersions, now)
      : applyDecision(before, request, verdict, policyVersions, now);
  const auditEvents = [...again, ...transition.auditEvents];
  const writes = transitionWrites(record, { ...transition, auditEvents }, deps.requestId);
  return (await deps.table.write(writes))
    ? { outcome: 'hold', record: transition.record, isNew: true }
    : conflict;
}

function isSameHold(before: Verdict, verdict: Verdict): boolean {
  const reasons = ({ outcome, findings }: Verdict) => [outcome, ...findings.map(({ reason }) => reason)];
  return isDeepStrictEqual(reasons(before), reasons(verdict));
}

function isStillDecided(before: ConnectionRecord, policyVersions: PolicyVersions, now: Date): boolean {
  return isVerdictCurrent(before.verdict, policyVersions, now) && !isUndone(before);
}

/** Whether EC2 shows an answer that record-connection-state has to record first. */
function isAlreadyAnswered(before: ConnectionRecord, request: Connection, restoredAt: string): boolean {
  if (isConnected(request.state)) return !isConnected(before.state) && !isManagedByUs(before, restoredAt);
  return (
    isAnswered(request.state) || (before.state !== 'pendingAcceptance' && before.pendingEffect === undefined)
  );
}

/**
 * Whether EC2 shows a request pending acceptance again, in a later describe call than the recorded answer, without a pending
 * effect.
 */
function isPendingAgain(
  record: ConnectionRecord,
  { state }: Connection,
  observedAt: string | undefined,
): observedAt is string {
  return (
    state === 'pendingAcceptance' &&
    record.state !== state &&
    record.pendingEffect === undefined &&
    record.endedAt === undefined &&
    observedAt !== undefined &&
    observedAt >= (record.observedAt ?? '') &&
    !isRightlyAnswered(record, observedAt)
  );
}

/** Reopens a request. Keeps the decisions of people, and cancels a scheduled disconnect. */
function reopenRequest(record: ConnectionRecord, observedAt: string): ConnectionRecord {
  const {
    verdict: _verdict,
    missingSince: _missingSince,
    serviceDeregisteredAt: _serviceDeregisteredAt,
    revocation: _revocation,
    extended: _extended,
    expiryWarning: _expiryWarning,
    reevaluatedAt,
    approvalRequest,
    notification,
    ...recordFields
  } = record;
  const request = { ...recordFields, state: 'pendingAcceptance' as const, observedAt };
  if (reevaluatedAt !== undefined) return { ...request, ...resetNotification(notification) };
  return { ...request, ...(approvalRequest && { approvalRequest }), ...(notification && { notification }) };
}

function reopenedEvent(record: ConnectionRecord, now: Date): AuditEvent {
  const reason = reopenedReason(record);
  return { time: now.toISOString(), actor: 'ec2', action: 'observed', state: 'pendingAcceptance', reason };
}

/** Decides an ended or deregistered request from the start, because EC2 lists it again. */
function reopenIfRelisted(record: ConnectionRecord, { state }: Connection): ConnectionRecord {
  if (record.endedAt === undefined && record.serviceDeregisteredAt === undefined) return record;
  const {
    endedAt: _endedAt,
    serviceDeregisteredAt: _serviceDeregisteredAt,
    missingSince: _missingSince,
    verdict: _verdict,
    approvalRequest: _approvalRequest,
    notification,
    ...recordFields
  } = record;
  return { ...recordFields, state, ...resetNotification(notification) };
}

function isAwaitedByLinkgate(record: ConnectionRecord): boolean {
  return record.pendingEffect !== undefined || awaitedGroup(record) !== undefined;
}

/** Drops the pending effect or approval request of a deregistered service. */
async function saveDeregistered(
  before: ConnectionRecord,
  deps: DecideDeps,
): Promise<DecideResult | typeof conflict> {
  const writes = transitionWrites(before, markDeregistered(before, deps.now()), deps.requestId);
  return (await deps.table.write(writes)) ? { outcome: 'unregistered' } : conflict;
}

/** Selects the log fields of a decision. */
export function decisionLogFields(decision: DecideResult) {
  const verdict = 'isNew' in decision ? decision.record.verdict : undefined;
  return { outcome: decision.outcome, ...(verdict && { findings: verdict.findings }) };
}

/** Lists the rules that failed in a new decision; empty for a repeated event. */
export function failedRules(decision: DecideResult): readonly Finding[] {
  const findings = 'isNew' in decision && decision.isNew ? decision.record.verdict?.findings : [];
  return findings?.filter(({ failed }) => failed) ?? [];
}

/** Whether a verdict waits for its first call to EC2. It may be new, or a crash prevented the enqueue of its location. */
function isUnappliedVerdict(decision: DecideResult): boolean {
  return (
    'record' in decision &&
    decision.record.pendingEffect !== undefined &&
    decision.record.pendingEffect.attempts === 0
  );
}

/** Lists the keys of all inputs of a decision. */
export function decisionKeys(request: Connection) {
  return [recordKey(request.endpointId), endpointQuotaKey(request), ...policyInputKeys(request)];
}
