import { effectiveEntry, findBlock } from '../../allowlist/effective-entry.ts';
import type { PolicyVersions } from '../../audit/audit.ts';
import {
  type ConnectedState,
  externallyAcceptedRule,
  isAboutExternalAccept,
  type Revocation,
} from '../../connections/connected-state.ts';
import { type ConnectionRecord, isVerdictExpired } from '../../connections/connection-record.ts';
import { dueWarning } from '../../connections/expiry-warning-days.ts';
import { awaitedGroup } from '../../connections/indexes.ts';
import type { Connection } from '../../privatelink/connection.ts';
import { isConnected } from '../../privatelink/connection.ts';
import { effectiveGraceSeconds } from '../../services/service.ts';
import { omit } from '../../values/omit.ts';
import {
  type Finding,
  isDefaultVerdict,
  isPaused,
  primaryReason,
  type Verdict,
} from '../../verdicts/verdict.ts';
import { decide } from '../decide.ts';
import type { Policy } from '../rule.ts';

/** The decision about a connected endpoint. `reject` with a future `disconnectAt` keeps the connection until then. */
export interface ConnectedDecision
  extends Pick<ConnectedState, 'revocation' | 'grandfathered' | 'expiryWarning'> {
  readonly verdict: Verdict;
}

export interface ConnectedContext {
  /** ISO 8601: the restore or first use of the table. An older explicit order comes from a backup. */
  readonly restoredAt: string;
  /** ISO 8601: the time since when linkgate enforces with this table. linkgate schedules an older disconnect again. */
  readonly enforcingSince: string;
  /** In mode `observe` linkgate schedules no disconnect: the verdict is only the expected outcome. */
  readonly isObserving: boolean;
  readonly now: Date;
}

/** The part of a record that a decision about a connected endpoint needs. */
export type ConnectionHistory = Pick<
  ConnectionRecord,
  keyof ConnectedState | 'verdict' | 'personDecision' | 'approvalRequest' | 'acceptRequestedAt'
>;

/**
 * Decides a connected endpoint. Pure and total, with the rules of `decide`, but an outcome of ask or no match means a disconnect
 * after the grace period. The order is hold, reject, a person's decision, accept, grandfathered.
 */
export function decideConnected(
  connection: Connection,
  before: ConnectionHistory | undefined,
  policy: Policy,
  context: ConnectedContext,
): ConnectedDecision {
  const byPolicy = decide(connection, policy, undefined, context.now);
  const decision = evaluateConnected(connection, byPolicy, before, policy, context);
  if (!context.isObserving || isPaused(byPolicy)) return decision;
  const { revocation, verdict, ...decisionFields } = decision;
  if (isAboutExternalAccept(verdict)) return { verdict: byPolicy };
  if (!revocation) return decision;
  return { ...decisionFields, verdict: omit(verdict, 'until') };
}

function evaluateConnected(
  connection: Connection,
  byPolicy: Verdict,
  before: ConnectionHistory | undefined,
  policy: Policy,
  context: ConnectedContext,
): ConnectedDecision {
  const { now } = context;
  const grandfathered = findGrandfathering(connection, before, policy);
  const adoption = grandfathered && { grandfathered };
  if (isPaused(byPolicy)) {
    const revocation = before?.revocation;
    return { verdict: byPolicy, ...adoption, ...(revocation && { revocation }) };
  }
  const command = explicitRevocation(before, byPolicy, policy, context);
  if (command)
    return { ...scheduleDisconnect(command.revocation, command.finding, byPolicy, now), ...adoption };
  if (isBlockedBy(byPolicy) || revokingDecision(before, policy))
    return { ...revokeByPolicy(byPolicy, before, policy, context), ...adoption };
  if (before?.personDecision?.decision === 'approve')
    return { verdict: decide(connection, policy, before.personDecision, now) };
  // The policy manages an adopted connection once a rule allows it.
  if (byPolicy.outcome === 'accept') return keepAllowed(byPolicy, before, now);
  if (grandfathered) return keepGrandfathered(grandfathered, byPolicy);
  if (isExternallyAccepted(before)) {
    const { onExternalAccept = 'ask', name } = policy.service;
    if (onExternalAccept === 'ask') return askApprovers(externalAcceptFinding(policy), byPolicy);
    const reason = `${name} adopts connections that are accepted outside linkgate`;
    if (onExternalAccept === 'adopt')
      return keepGrandfathered({ by: 'linkgate', at: now.toISOString(), reason }, byPolicy);
  }
  return revokeByPolicy(byPolicy, before, policy, context);
}

/** Whether linkgate has to decide a connected endpoint again, because the decision would differ from its record. */
export function isReevaluationDue(
  connection: Connection,
  record: ConnectionRecord,
  policy: Policy,
  policyVersions: PolicyVersions,
  context: ConnectedContext,
): boolean {
  const { now } = context;
  if (!isConnected(connection.state) || !isConnected(record.state) || record.pendingEffect) return false;
  if (record.serviceDeregisteredAt !== undefined) return true;
  const { verdict, revocation } = record;
  const isCounted = effectiveEntry(policy)?.maxEndpoints !== undefined;
  const isCountedAnew =
    verdict?.policyVersions.entry !== policyVersions.entry ||
    verdict.policyVersions.wildcardEntry !== policyVersions.wildcardEntry;
  if (isCounted && isCountedAnew) return true;
  const would = decideConnected(connection, record, policy, context);
  // Only an explicit order changes a grandfathered connection.
  if (!verdict) return would.grandfathered === undefined || would.revocation !== undefined;
  return (
    would.verdict.outcome !== verdict.outcome ||
    isAboutExternalAccept(would.verdict) !== isAboutExternalAccept(verdict) ||
    would.verdict.until !== verdict.until ||
    isVerdictExpired(verdict, now) ||
    would.revocation?.disconnectAt !== revocation?.disconnectAt ||
    would.expiryWarning?.daysBefore !== record.expiryWarning?.daysBefore ||
    (would.grandfathered === undefined) !== (record.grandfathered === undefined) ||
    (awaitedGroup(record) ?? policy.service.approvers) !== policy.service.approvers
  );
}

/**
 * Returns the revocation by an explicit order: a block, the deregistration of the service, or a person's decision about this
 * connection.
 */
function explicitRevocation(
  before: ConnectionHistory | undefined,
  byPolicy: Verdict,
  policy: Policy,
  { restoredAt, enforcingSince, now }: ConnectedContext,
): { readonly revocation: Revocation; readonly finding?: Finding } | undefined {
  const { entries, service } = policy;
  const time = now.toISOString();
  const existingRevocation = (cause: Revocation['cause']) =>
    before?.revocation?.cause === cause ? before.revocation : undefined;
  const immediateRevocation = (cause: Revocation['cause'], by: string) => ({
    revocation: existingRevocation(cause) ?? { since: time, disconnectAt: time, cause, by },
  });
  if (service.deregisteringAt !== undefined && service.deregisteringAt >= restoredAt)
    return immediateRevocation('service', service.deregisteringBy ?? 'linkgate');
  const block = findBlock(entries);
  if (block && byPolicy.outcome === 'reject' && block.changedAt >= restoredAt)
    return immediateRevocation('block', block.changedBy);
  const personDecision = revokingDecision(before, policy);
  if (!personDecision || personDecision.at < restoredAt) return undefined;
  const { by, at, finding } = personDecision;
  const newRevocation = { since: at, disconnectAt: at, cause: 'person' as const, by };
  // An immediate order ends the grace period and any extension.
  if (personDecision.isNow) return { revocation: newRevocation, finding };
  const existing = existingRevocation('person');
  return {
    revocation: applyExtension(existing?.since === at ? existing : afterGrace(newRevocation), before),
    finding,
  };

  /** Keeps an earlier time that policy has already scheduled. */
  function afterGrace(revocation: Revocation): Revocation {
    const end = addGracePeriod(at, service);
    const announced = before?.revocation;
    const isSooner = announced && announced.since >= enforcingSince && announced.disconnectAt < end;
    return { ...revocation, disconnectAt: isSooner ? announced.disconnectAt : end };
  }
}

/**
 * Returns a person's decision to disconnect. Ignores a denial of the former request, and decisions before the registration of the
 * service.
 */
function revokingDecision(
  { revokeOrder, personDecision, reevaluatedAt }: ConnectionHistory = {},
  { service }: Policy,
) {
  // A denial is newer than a revocation, because a revocation removes earlier decisions.
  if (
    personDecision?.decision === 'deny' &&
    reevaluatedAt !== undefined &&
    personDecision.at >= service.registeredAt
  ) {
    const { by, at } = personDecision;
    return { by, at, isNow: true, finding: rejectionFinding('person-denied', personDecision, 'denied it') };
  }
  if (!revokeOrder || revokeOrder.at < service.registeredAt) return undefined;
  const { by, at, immediate } = revokeOrder;
  return {
    by,
    at,
    isNow: immediate === true,
    finding: rejectionFinding('person-revoked', revokeOrder, 'revoked it'),
  };
}

function revokeByPolicy(
  byPolicy: Verdict,
  before: ConnectionHistory | undefined,
  policy: Policy,
  { enforcingSince, now }: ConnectedContext,
): ConnectedDecision {
  const { service } = policy;
  const time = now.toISOString();
  const announced =
    before?.revocation?.cause === 'policy' && before.revocation.since >= enforcingSince
      ? before.revocation
      : {
          since: time,
          disconnectAt: addGracePeriod(time, service),
          cause: 'policy' as const,
          by: 'linkgate',
        };
  const revocation = applyExtension(announced, before);
  if (revocation.overQuota) return { ...askApprovers(quotaFinding(service.name), byPolicy), revocation };
  if (isBlockedBy(byPolicy)) return scheduleDisconnect(revocation, undefined, byPolicy, now);
  const finding: Finding = revokingDecision(before, policy)?.finding ?? {
    rule: 'no-longer-allowed',
    outcome: 'reject',
    reason: primaryReason(byPolicy),
  };
  return scheduleDisconnect(revocation, finding, byPolicy, now);
}

/** Whether a rule rejects regardless of a person's decision. */
function isBlockedBy(byPolicy: Verdict): boolean {
  return byPolicy.outcome === 'reject' && !isDefaultVerdict(byPolicy);
}

/** Applies an extension by a person. linkgate reserves the disconnect quota again at the new time. */
function applyExtension(announced: Revocation, before: ConnectionHistory | undefined): Revocation {
  const until = before?.extended?.until;
  if (until === undefined || until <= announced.disconnectAt) return announced;
  return { ...omit(announced, 'overQuota'), disconnectAt: until };
}

function scheduleDisconnect(
  revocation: Revocation,
  finding: Finding | undefined,
  { findings }: Verdict,
  now: Date,
): ConnectedDecision {
  const isToCome = new Date(revocation.disconnectAt) > now;
  return {
    verdict: {
      outcome: 'reject',
      findings: [...(finding ? [finding] : []), ...findings],
      ...(isToCome && { until: revocation.disconnectAt }),
    },
    revocation,
  };
}

function keepAllowed(verdict: Verdict, before: ConnectionHistory | undefined, now: Date): ConnectedDecision {
  const { until } = verdict;
  const daysBefore =
    until !== undefined && before?.verdict ? dueWarning(until, before.verdict.decidedAt, now) : undefined;
  const currentWarning =
    before?.expiryWarning && before.expiryWarning.until === until ? before.expiryWarning : undefined;
  const expiryWarning =
    until !== undefined && daysBefore !== undefined ? { until, daysBefore } : currentWarning;
  return { verdict, ...(expiryWarning && { expiryWarning }) };
}

function keepGrandfathered(
  grandfathered: NonNullable<ConnectedState['grandfathered']>,
  { findings }: Verdict,
): ConnectedDecision {
  const reason = grandfathered.reason ?? `${grandfathered.by} adopted the connection`;
  const finding: Finding = { rule: 'connection-is-adopted', outcome: 'accept', reason };
  return { verdict: { outcome: 'accept', findings: [finding, ...findings] }, grandfathered };
}

function askApprovers(finding: Finding, { findings }: Verdict): ConnectedDecision {
  return { verdict: { outcome: 'ask', findings: [finding, ...findings] } };
}

function findGrandfathering(
  { requestedAt }: Connection,
  before: ConnectionHistory | undefined,
  { service: { registeredAt } }: Policy,
): ConnectedState['grandfathered'] {
  if (before?.grandfathered) return before.grandfathered;
  // A verdict before the registration does not count.
  const isDecided = before?.verdict !== undefined && before.verdict.decidedAt >= registeredAt;
  if (isDecided || before?.revocation || requestedAt >= registeredAt) return undefined;
  return { by: 'linkgate', at: registeredAt, reason: 'it is older than the registration of the service' };
}

/** Whether somebody accepted it outside linkgate: linkgate never called Accept, and no rule has allowed it since. */
function isExternallyAccepted(before: ConnectionHistory | undefined): boolean {
  return (
    before?.acceptRequestedAt === undefined &&
    before?.allowedSince === undefined &&
    before?.verdict?.outcome !== 'accept' &&
    before?.revocation === undefined
  );
}

function externalAcceptFinding({ service: { acceptanceRequired, name } }: Policy): Finding {
  const reason = acceptanceRequired
    ? 'somebody accepted it outside linkgate'
    : `${name} does not require acceptance, so EC2 connected it at once`;
  return { rule: externallyAcceptedRule, outcome: 'ask', reason };
}

function quotaFinding(service: string): Finding {
  const reason = `its grace period is over, but the disconnect quota of ${service} for 24 hours is used up: a person decides`;
  return { rule: 'disconnect-quota-exceeded', outcome: 'ask', reason };
}

function rejectionFinding(
  rule: string,
  { by, reason }: { readonly by: string; readonly reason?: string },
  action: string,
): Finding {
  return { rule, outcome: 'reject', reason: `${by} ${action}${reason ? `: ${reason}` : ''}` };
}

function addGracePeriod(time: string, service: Policy['service']): string {
  return new Date(new Date(time).getTime() + effectiveGraceSeconds(service) * 1000).toISOString();
}
