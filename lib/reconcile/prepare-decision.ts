import { isDeepStrictEqual } from 'node:util';
import { effectiveEntry } from '../allowlist/effective-entry.ts';
import type { AuditEvent } from '../audit/audit.ts';
import { nextApprovalRequest } from '../connections/approval-request.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  isManagedByUs,
  isRevokedWhilePending,
  isUndone,
  isVerdictCurrent,
  maybeConnected,
  pickConnection,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import { awaitedGroup } from '../connections/indexes.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import {
  applyDecision,
  holdConnected,
  markDeregistered,
  recordExternalRejection,
  transitionWrites,
} from '../connections/transition.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import { buildAllowlistChange } from '../policy/allowlist-change.ts';
import { omitDisconnecting } from '../policy/connected/counted-endpoints.ts';
import type { ConnectedContext } from '../policy/connected/decide-connected.ts';
import { holdForUnreadable } from '../policy/decide.ts';
import { endpointQuotaKey, hasFreedQuota, type QuotaUse, readQuotaUse } from '../policy/endpoint-quota.ts';
import { evaluateWithDecision, isDuplicateDecision } from '../policy/evaluate-decision.ts';
import { isHeldBack } from '../policy/held-back.ts';
import { type PolicyInputs, policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Policy, Rule } from '../policy/rule.ts';
import { type Connection, isAnswered, isConnected } from '../privatelink/connection.ts';
import type { Connections } from '../privatelink/connections.ts';
import { serviceKey } from '../services/service.ts';
import { type ItemIndex, parseEach, UnreadableItemError } from '../storage/entity.ts';
import type { TableDeps } from '../storage/table.ts';
import type { Prepared } from '../storage/write-batch.ts';
import { omit } from '../values/omit.ts';
import type { Verdict } from '../verdicts/verdict.ts';
import { reevaluateConnected } from './reevaluate-connected.ts';
import { isPendingAgain, reopenedEvent, reopenIfRelisted, reopenRequest } from './reopen-request.ts';

export interface PrepareDecisionDeps extends TableDeps {
  /** Absent if the caller has no access to EC2. Then only the stored endpoint quota counts. */
  readonly connectionsClient?: (location: AccountRegion) => Connections;
  readonly rules: readonly Rule[];
}

/** The result of a decision. `passed`: EC2 shows a later state. `not-open`: a person decided too late. */
export type DecideResult =
  | { readonly outcome: Verdict['outcome']; readonly record: ConnectionRecord; readonly isNew: boolean }
  | { readonly outcome: 'not-open'; readonly record: ConnectionRecord }
  | { readonly outcome: 'passed'; readonly record: ConnectionRecord }
  | { readonly outcome: 'unregistered' };

/** A person's decision, if there is one, and the time of the describe call (ISO 8601), if known. */
export interface DecisionTrigger {
  readonly decision?: PersonDecision | undefined;
  readonly observedAt?: string | undefined;
}

/** A request with all stored inputs of its decision. */
interface DecisionInputs {
  readonly request: Connection;
  readonly decision: PersonDecision | undefined;
  readonly now: Date;
  readonly policyInputs: PolicyInputs;
  /** The stored record. */
  readonly record: ConnectionRecord | undefined;
  /** The record that the decision is based on: reopened if EC2 shows the request again. */
  readonly before: ConnectionRecord | undefined;
  /** The audit event of a reopened request. */
  readonly again: readonly AuditEvent[];
  /** Whether the decision is about a connected endpoint. */
  readonly isReview: boolean;
  readonly hasFreedQuota: boolean;
}

/** Lists the keys of all inputs of a decision. */
export function decisionKeys(request: Connection) {
  return [recordKey(request.endpointId), endpointQuotaKey(request), ...policyInputKeys(request)];
}

/**
 * Decides one request from its items. With a quorum above one, an approval may leave the request open.
 * @throws for a person's decision UnknownGroupError, NotAuthorizedError and UnreadableItemError
 */
export async function prepareDecision(
  request: Connection,
  itemIndex: ItemIndex,
  deps: PrepareDecisionDeps,
  trigger: DecisionTrigger = {},
): Promise<Prepared<DecideResult>> {
  const inputs = readDecisionInputs(request, itemIndex, deps.now(), trigger);
  if (!itemIndex.find(serviceKey(request.serviceId))) return prepareDeregistered(inputs, deps);
  const existing = findExistingAnswer(inputs);
  if (existing) return { output: existing, writes: [] };
  const { service, entries, unreadable } = inputs.policyInputs;
  if (!service || unreadable.length > 0) return prepareHold(inputs, unreadable, deps);
  const count = await readQuotaUse(request, entries, itemIndex, deps).catch(toUnreadableError);
  if (count instanceof UnreadableItemError) return prepareHold(inputs, [count], deps);
  const rules = { service, entries, rules: deps.rules };
  return inputs.isReview
    ? prepareReevaluation(inputs, rules, count, deps)
    : prepareVerdict(inputs, rules, count, deps);
}

function readDecisionInputs(
  request: Connection,
  itemIndex: ItemIndex,
  now: Date,
  { decision, observedAt }: DecisionTrigger,
): DecisionInputs {
  const policyInputs = readPolicyInputs(request, itemIndex);
  const item = itemIndex.find(recordKey(request.endpointId));
  const record = item && readRecord(item);
  const isReopened = record && isPendingAgain(record, request, observedAt);
  const before =
    record && (isReopened ? reopenRequest(record, observedAt) : reopenIfRelisted(record, request));
  return {
    request,
    decision,
    now,
    policyInputs,
    record,
    before,
    again: isReopened ? [reopenedEvent(record, now)] : [],
    isReview:
      isConnected(request.state) && !(before && isRevokedWhilePending(before, policyInputs.restoredAt)),
    hasFreedQuota: hasFreedQuota(request, before?.verdict, itemIndex),
  };
}

/** Finds the result of a request that needs no new decision. */
function findExistingAnswer(inputs: DecisionInputs): DecideResult | undefined {
  const { request, decision, before, isReview, now, policyInputs } = inputs;
  if (!before) return undefined;
  if (isAlreadyAnswered(before, request, policyInputs.restoredAt))
    return { outcome: 'passed', record: before };
  if (decision && !isAwaitingApproval(before)) return { outcome: 'not-open', record: before };
  if (isReview || decision || inputs.hasFreedQuota || !before.verdict || isUndone(before)) return undefined;
  return isVerdictCurrent(before.verdict, policyInputs.policyVersions, now)
    ? { outcome: before.verdict.outcome, record: before, isNew: false }
    : undefined;
}

/** Decides a connected endpoint again. */
async function prepareReevaluation(
  { request, before, decision, now, policyInputs }: DecisionInputs,
  rules: Omit<Policy, 'countedEndpointIds'>,
  count: QuotaUse,
  deps: PrepareDecisionDeps,
): Promise<Prepared<DecideResult>> {
  const context = { ...omit(policyInputs, 'service', 'entries', 'unreadable'), now };
  const countedEndpointIds = await selectCountedEndpoints(request, rules, count, context, deps);
  const policy = { ...rules, countedEndpointIds };
  return reevaluateConnected(request, before, decision, { ...context, policy, count }, deps);
}

/** Decides a request that EC2 shows pending acceptance, or that somebody answered before linkgate saw it. */
async function prepareVerdict(
  inputs: DecisionInputs,
  rules: Omit<Policy, 'countedEndpointIds'>,
  count: QuotaUse,
  deps: PrepareDecisionDeps,
): Promise<Prepared<DecideResult>> {
  const { request, before, record, decision, now, again, policyInputs } = inputs;
  const { service, entries } = rules;
  const policy = { ...rules, countedEndpointIds: count.endpointIdsBefore };
  const context = { ...deps, policy, now };
  const { verdict, ...evaluated } = await evaluateWithDecision(request, before, decision, context);
  if (
    evaluated.decision &&
    before?.verdict &&
    isDuplicateDecision(evaluated.decision, before, evaluated.personDecisions)
  )
    return { output: { outcome: before.verdict.outcome, record: before, isNew: false }, writes: [] };
  const version = before?.version ?? 0;
  const approvalRequest = nextApprovalRequest(before?.approvalRequest, verdict, service, version, now);
  const change = evaluated.decision && buildAllowlistChange(evaluated.personDecisions, request, entries, now);
  const { policyVersions } = policyInputs;
  const restsOn = change ? { ...policyVersions, entry: change.entry.version } : policyVersions;
  const details = { ...evaluated, approvalRequest, entry: change?.entry };
  const transition =
    before || !isAnswered(request.state)
      ? applyDecision(before, request, verdict, restsOn, now, details)
      : recordExternalRejection(request, verdict, restsOn, now);
  const countsTowardQuota = count.isLimited && maybeConnected(transition.record, now);
  const after = { ...transition.record, countsTowardQuota };
  const auditEvents = [...again, ...transition.auditEvents];
  const isTooLate = decision !== undefined && !evaluated.decision;
  return {
    output: isTooLate
      ? { outcome: 'not-open', record: after }
      : { outcome: verdict.outcome, record: after, isNew: true },
    writes: [
      ...transitionWrites(record, { record: after, auditEvents }, deps.requestId),
      ...count.quotaWrites(countsTowardQuota, isHeldBack(verdict)),
      ...(change ? [change.write] : []),
    ],
  };
}

/** Reads the records of the endpoints before a connected one, only if they use up the limit. */
async function selectCountedEndpoints(
  { endpointId }: Connection,
  rules: Omit<Policy, 'countedEndpointIds'>,
  { endpointIds }: QuotaUse,
  context: ConnectedContext,
  { table, reportError }: PrepareDecisionDeps,
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

/**
 * Puts a request on hold because an input of the decision is unreadable.
 * @throws UnreadableItemError for a person's decision, and for a connection that others answered before linkgate decided it: a
 * present verdict would count as an earlier one.
 */
function prepareHold(
  { request, record, before, again, decision, isReview, policyInputs, now }: DecisionInputs,
  unreadable: readonly UnreadableItemError[],
  deps: PrepareDecisionDeps,
): Prepared<DecideResult> {
  const { policyVersions } = policyInputs;
  const [first] = unreadable;
  if (first && (decision || (!before?.verdict && isAnswered(request.state)))) throw first;
  const verdict = holdForUnreadable(unreadable, now);
  if (before?.verdict && isSameHold(before.verdict, verdict))
    return { output: { outcome: 'hold', record: before, isNew: false }, writes: [] };
  for (const error of unreadable) deps.reportError(error, 'read item');
  const transition =
    before && isReview
      ? holdConnected(before, verdict, policyVersions, now)
      : applyDecision(before, request, verdict, policyVersions, now);
  const auditEvents = [...again, ...transition.auditEvents];
  return {
    output: { outcome: 'hold', record: transition.record, isNew: true },
    writes: transitionWrites(record, { ...transition, auditEvents }, deps.requestId),
  };
}

function isSameHold(before: Verdict, verdict: Verdict): boolean {
  const reasons = ({ outcome, findings }: Verdict) => [outcome, ...findings.map(({ reason }) => reason)];
  return isDeepStrictEqual(reasons(before), reasons(verdict));
}

/** Whether EC2 shows an answer that record-connection-state has to record first. */
function isAlreadyAnswered(before: ConnectionRecord, request: Connection, restoredAt: string): boolean {
  if (isConnected(request.state)) return !isConnected(before.state) && !isManagedByUs(before, restoredAt);
  return (
    isAnswered(request.state) || (before.state !== 'pendingAcceptance' && before.pendingEffect === undefined)
  );
}

/** Drops the pending effect or approval request of a deregistered service. */
function prepareDeregistered(
  { record, now }: DecisionInputs,
  { requestId }: PrepareDecisionDeps,
): Prepared<DecideResult> {
  const isAwaited = record && (record.pendingEffect !== undefined || awaitedGroup(record) !== undefined);
  return {
    output: { outcome: 'unregistered' },
    writes: isAwaited ? transitionWrites(record, markDeregistered(record, now), requestId) : [],
  };
}
