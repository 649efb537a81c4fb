import type { Consulted } from '../audit/audit.ts';
import type { Connection } from '../connection/connection.ts';
import { isLive } from '../connection/connection.ts';
import { type ConnectionRecord, hasRunOut } from '../connection/connection-record.ts';
import { awaitedBy } from '../connection/waiting.ts';
import { decide, isSilence, isStopped, reasonOf, type Verdict } from '../policy/decide.ts';
import { entryThatCounts, type Finding, type Policy } from '../policy/rule.ts';
import { graceSecondsOf } from '../service/service.ts';
import { acceptedElsewhere, isAboutForeign, type Revocation, type Tenure, warningDue } from './revocation.ts';

/** What is to become of a connection that lives. `reject` with a `cutAt` to come: it stays until then. */
export interface LiveDecision extends Pick<Tenure, 'revocation' | 'adopted' | 'warned'> {
  readonly verdict: Verdict;
}

export interface Circumstances {
  /** ISO 8601: since when linkgate works with this very table. What was commanded before comes from a backup. */
  readonly tableSince: string;
  /** ISO 8601: since when it acts, with this very table. What was announced before is announced anew. */
  readonly actingSince: string;
  /** Nothing is announced that will not be done: it is only said what would be. */
  readonly isObserving: boolean;
  readonly now: Date;
}

/** What of a record a decision about a live connection rests on. */
export type Remembered = Pick<
  ConnectionRecord,
  keyof Tenure | 'verdict' | 'approval' | 'asking' | 'acceptAskedAt'
>;

/**
 * Pure and total, as `decide` for requests: the same rules, except that a doubt and silence mean a cut after the grace period.
 * What stops us comes first, then an objection, a person's word, the policy's endorsement, and that it was there first.
 */
export function decideLive(
  connection: Connection,
  before: Remembered | undefined,
  policy: Policy,
  circumstances: Circumstances,
): LiveDecision {
  const byPolicy = decide(connection, policy, undefined, circumstances.now);
  const decision = judge(connection, byPolicy, before, policy, circumstances);
  if (!circumstances.isObserving || isStopped(byPolicy)) return decision;
  const { revocation, verdict, ...others } = decision;
  if (isAboutForeign(verdict)) return { verdict: byPolicy };
  if (!revocation) return decision;
  const { until: _until, ...wouldBe } = verdict;
  return { ...others, verdict: wouldBe };
}

function judge(
  connection: Connection,
  byPolicy: Verdict,
  before: Remembered | undefined,
  policy: Policy,
  circumstances: Circumstances,
): LiveDecision {
  const { now } = circumstances;
  const adopted = adoptionOf(connection, before, policy);
  const adoption = adopted && { adopted };
  if (isStopped(byPolicy)) {
    const revocation = before?.revocation;
    return { verdict: byPolicy, ...adoption, ...(revocation && { revocation }) };
  }
  const command = commandOf(before, byPolicy, policy, circumstances);
  if (command) return { ...toCut(command.revocation, command.finding, byPolicy, now), ...adoption };
  if (isObjectionOf(byPolicy) || wordAgainst(before, policy))
    return { ...unendorsed(byPolicy, before, policy, circumstances), ...adoption };
  if (before?.approval?.decision === 'approve')
    return { verdict: decide(connection, policy, before.approval, now) };
  // An adoption lasts until the policy endorses the connection: from then on it is the policy's.
  if (byPolicy.outcome === 'accept') return endorsed(byPolicy, before, now);
  if (adopted) return stays(adopted, byPolicy);
  if (isForeign(before)) {
    const { onForeign = 'ask', name } = policy.service;
    if (onForeign === 'ask') return askAbout(foreignFinding(policy), byPolicy);
    const reason = `${name} adopts what others accept`;
    if (onForeign === 'adopt') return stays({ by: 'linkgate', at: now.toISOString(), reason }, byPolicy);
  }
  return unendorsed(byPolicy, before, policy, circumstances);
}

/** Whether a live connection is to be decided anew: something would become of it that its record does not say. */
export function isToReview(
  connection: Connection,
  record: ConnectionRecord,
  policy: Policy,
  consulted: Consulted,
  circumstances: Circumstances,
): boolean {
  const { now } = circumstances;
  if (!isLive(connection.state) || !isLive(record.state) || record.effect) return false;
  if (record.abandonedAt !== undefined) return true;
  const { verdict, revocation } = record;
  const isCounted = entryThatCounts(policy)?.maxEndpoints !== undefined;
  const isCountedAnew =
    verdict?.consulted.entry !== consulted.entry ||
    verdict.consulted.everyServiceEntry !== consulted.everyServiceEntry;
  if (isCounted && isCountedAnew) return true;
  const would = decideLive(connection, record, policy, circumstances);
  // What was there first is left alone, until somebody commands otherwise.
  if (!verdict) return would.adopted === undefined || would.revocation !== undefined;
  return (
    would.verdict.outcome !== verdict.outcome ||
    isAboutForeign(would.verdict) !== isAboutForeign(verdict) ||
    would.verdict.until !== verdict.until ||
    hasRunOut(verdict, now) ||
    would.revocation?.cutAt !== revocation?.cutAt ||
    would.warned?.days !== record.warned?.days ||
    (awaitedBy(record) ?? policy.service.approvers) !== policy.service.approvers
  );
}

/** What somebody commands: a block, the end of a service, a person's word on this very connection. */
function commandOf(
  before: Remembered | undefined,
  byPolicy: Verdict,
  policy: Policy,
  { tableSince, actingSince, now }: Circumstances,
): { readonly revocation: Revocation; readonly finding?: Finding } | undefined {
  const { entries, service } = policy;
  const time = now.toISOString();
  const already = (cause: Revocation['cause']) =>
    before?.revocation?.cause === cause ? before.revocation : undefined;
  const atOnce = (cause: Revocation['cause'], by: string) => ({
    revocation: already(cause) ?? { since: time, cutAt: time, cause, by },
  });
  if (service.closingAt !== undefined && service.closingAt >= tableSince)
    return atOnce('service', service.closingBy ?? 'linkgate');
  const block = entries.find(({ effect }) => effect === 'block');
  if (block && byPolicy.outcome === 'reject' && block.changedAt >= tableSince)
    return atOnce('block', block.changedBy);
  const word = wordAgainst(before, policy);
  if (!word || word.at < tableSince) return undefined;
  const { by, at, finding } = word;
  const said = { since: at, cutAt: at, cause: 'person' as const, by };
  // Neither a grace period nor what put its end off keeps it any longer.
  if (word.isNow) return { revocation: said, finding };
  const known = already('person');
  return { revocation: putOff(known?.since === at ? known : afterGrace(said), before), finding };

  /** What is to be cut sooner already is not put off by that. */
  function afterGrace(revocation: Revocation): Revocation {
    const end = after(at, service);
    const announced = before?.revocation;
    const isSooner = announced && announced.since >= actingSince && announced.cutAt < end;
    return { ...revocation, cutAt: isSooner ? announced.cutAt : end };
  }
}

/** A person's word that it is to be cut: not one on the request that it was, nor one from before the service was taken out and registered anew. */
function wordAgainst({ revoked, approval, reviewedAt }: Remembered = {}, { service }: Policy) {
  // Who revokes takes back what was said before: a denial is newer.
  if (approval?.decision === 'deny' && reviewedAt !== undefined && approval.at >= service.registeredAt) {
    const { by, at } = approval;
    return { by, at, isNow: true, finding: wordOf('person-denied', approval, 'denied it') };
  }
  if (!revoked || revoked.at < service.registeredAt) return undefined;
  const { by, at, now } = revoked;
  return { by, at, isNow: now === true, finding: wordOf('person-revoked', revoked, 'revoked it') };
}

function unendorsed(
  byPolicy: Verdict,
  before: Remembered | undefined,
  policy: Policy,
  { actingSince, now }: Circumstances,
): LiveDecision {
  const { service } = policy;
  const time = now.toISOString();
  const announced =
    before?.revocation?.cause === 'policy' && before.revocation.since >= actingSince
      ? before.revocation
      : { since: time, cutAt: after(time, service), cause: 'policy' as const, by: 'linkgate' };
  const revocation = putOff(announced, before);
  if (revocation.overBudget)
    return {
      ...askAbout(budgetFinding(service.name), byPolicy),
      revocation,
    };
  if (isObjectionOf(byPolicy)) return toCut(revocation, undefined, byPolicy, now);
  const finding: Finding = wordAgainst(before, policy)?.finding ?? {
    rule: 'permission-is-gone',
    outcome: 'reject',
    reason: reasonOf(byPolicy),
  };
  return toCut(revocation, finding, byPolicy, now);
}

/** A rule objects, whatever a person says. */
function isObjectionOf(byPolicy: Verdict): boolean {
  return byPolicy.outcome === 'reject' && !isSilence(byPolicy);
}

/** Somebody may have prolonged the grace period; then the budget is asked anew. */
function putOff(announced: Revocation, before: Remembered | undefined): Revocation {
  const until = before?.kept?.until;
  if (until === undefined || until <= announced.cutAt) return announced;
  const { overBudget: _overBudget, ...revocation } = announced;
  return { ...revocation, cutAt: until };
}

function toCut(
  revocation: Revocation,
  finding: Finding | undefined,
  { findings }: Verdict,
  now: Date,
): LiveDecision {
  const isToCome = new Date(revocation.cutAt) > now;
  return {
    verdict: {
      outcome: 'reject',
      findings: [...(finding ? [finding] : []), ...findings],
      ...(isToCome && { until: revocation.cutAt }),
    },
    revocation,
  };
}

function endorsed(verdict: Verdict, before: Remembered | undefined, now: Date): LiveDecision {
  const { until } = verdict;
  const days =
    until !== undefined && before?.verdict ? warningDue(until, before.verdict.decidedAt, now) : undefined;
  const still = before?.warned && before.warned.until === until ? before.warned : undefined;
  const warned = until !== undefined && days !== undefined ? { until, days } : still;
  return { verdict, ...(warned && { warned }) };
}

function stays(adopted: NonNullable<Tenure['adopted']>, { findings }: Verdict): LiveDecision {
  const reason = adopted.reason ?? `${adopted.by} adopted it`;
  const finding: Finding = { rule: 'connection-is-adopted', outcome: 'accept', reason };
  return { verdict: { outcome: 'accept', findings: [finding, ...findings] }, adopted };
}

function askAbout(finding: Finding, { findings }: Verdict): LiveDecision {
  return { verdict: { outcome: 'ask', findings: [finding, ...findings] } };
}

function adoptionOf(
  { requestedAt }: Connection,
  before: Remembered | undefined,
  { service: { registeredAt } }: Policy,
): Tenure['adopted'] {
  if (before?.adopted) return before.adopted;
  // What was decided before the service was taken out and registered anew is of another time.
  const isDecided = before?.verdict !== undefined && before.verdict.decidedAt >= registeredAt;
  if (isDecided || before?.revocation || requestedAt >= registeredAt) return undefined;
  return { by: 'linkgate', at: registeredAt, reason: 'it is older than the registration of the service' };
}

/** linkgate never asked EC2 to accept it, and no policy has endorsed it since. */
function isForeign(before: Remembered | undefined): boolean {
  return (
    before?.acceptAskedAt === undefined &&
    before?.endorsedAt === undefined &&
    before?.verdict?.outcome !== 'accept' &&
    before?.revocation === undefined
  );
}

function foreignFinding({ service: { acceptanceRequired, name } }: Policy): Finding {
  const reason = acceptanceRequired
    ? 'somebody accepted it without linkgate'
    : `${name} does not require acceptance, so that EC2 connected it at once`;
  return { rule: acceptedElsewhere, outcome: 'ask', reason };
}

function budgetFinding(service: string): Finding {
  const reason = `its time was over, and linkgate cuts only so many connections of ${service} in 24 hours: a person decides`;
  return { rule: 'cuts-are-limited', outcome: 'ask', reason };
}

function wordOf(
  rule: string,
  { by, reason }: { readonly by: string; readonly reason?: string },
  what: string,
): Finding {
  return { rule, outcome: 'reject', reason: `${by} ${what}${reason ? `: ${reason}` : ''}` };
}

function after(time: string, service: Policy['service']): string {
  return new Date(new Date(time).getTime() + graceSecondsOf(service) * 1000).toISOString();
}
