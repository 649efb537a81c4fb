import { isDeepStrictEqual } from 'node:util';
import type { Write } from '../../storage/table.ts';
import { principalKey } from './principal.ts';
import { type PrincipalRecord, principalItem, principalRecordKey } from './principal-record.ts';

/** That somebody added a principal, as CloudTrail tells it: before or after EC2 is seen to have it. */
export interface Addition {
  readonly principal: string;
  readonly by: string;
  /** ISO 8601 */
  readonly at: string;
}

export interface ObservedPrincipal {
  readonly serviceId: string;
  readonly implied: readonly string[];
  /** In EC2. */
  readonly actual: readonly string[];
  readonly additions: readonly Addition[];
  /** Whether linkgate keeps the service's principals. */
  readonly isKept: boolean;
  /** How many principals somebody has just seen go: where no more than these are there to go, they are the ones. */
  readonly removals: number;
  readonly now: Date;
}

/** How long an addition that EC2 does not show is remembered: it may show late. */
const showsWithinMs = 3_600_000;

/** What is known of a service's principals after they were looked at, and the writes that keep it. */
export function recordPrincipals(
  known: readonly PrincipalRecord[],
  seen: ObservedPrincipal,
): { records: PrincipalRecord[]; writes: Write[] } {
  const before = new Map(known.map((record) => [principalKey(record.principal), record]));
  const implied = byKey(seen.implied);
  const actual = byKey(seen.actual);
  const additions = new Map<string, Addition>();
  for (const addition of seen.additions) additions.set(principalKey(addition.principal), addition);

  const unwanted = [...actual.keys()].filter((key) => !implied.has(key));
  const isAgreed = seen.isKept && unwanted.length <= seen.removals;

  const records: PrincipalRecord[] = [];
  const writes: Write[] = [];
  for (const key of new Set([...before.keys(), ...implied.keys(), ...actual.keys(), ...additions.keys()])) {
    const record = before.get(key);
    const principal = actual.get(key) ?? implied.get(key) ?? additions.get(key)?.principal ?? key;
    const after = recordAfter(record, principal, additions.get(key), {
      ...seen,
      isImplied: implied.has(key),
      isActual: actual.has(key),
      isAgreed,
    });
    const change = changeOf(record, after);
    if (change) writes.push(change.write);
    if (after) records.push(change?.record ?? after);
  }
  return { records, writes };
}

function recordAfter(
  before: PrincipalRecord | undefined,
  principal: string,
  addition: Addition | undefined,
  seen: ObservedPrincipal & {
    readonly isImplied: boolean;
    readonly isActual: boolean;
    readonly isAgreed: boolean;
  },
): PrincipalRecord | undefined {
  const { serviceId, isKept, isImplied, isActual, now } = seen;
  const firstSeenAt = now.toISOString();
  if (isImplied) {
    if (!isKept) return undefined;
    if (before?.status !== 'implied')
      return {
        serviceId,
        principal,
        status: 'implied',
        firstSeenAt,
        version: before?.version ?? 0,
      };
    const { refusal, ...taken } = notToGo(before);
    return { ...taken, ...(!isActual && refusal && { refusal }) };
  }
  if (before?.status === 'implied') return isActual ? unwantedOne(before, seen) : undefined;
  const found = before ?? { serviceId, principal, status: 'found', firstSeenAt, version: 0 };
  const told = withAddition(found, addition);
  if (isActual) return unwantedOne(told, seen);
  const mayShow = now.getTime() - Date.parse(told.addedAt ?? '') < showsWithinMs;
  return mayShow ? notToGo(told) : undefined;
}

/** One that is in EC2 and that nothing implies. */
function unwantedOne(
  record: PrincipalRecord,
  { isKept, isAgreed, now }: Pick<ObservedPrincipal, 'isKept' | 'now'> & { readonly isAgreed: boolean },
): PrincipalRecord {
  if (!isKept) return notToGo(record);
  const { status, unwantedSince = now.toISOString() } = record;
  return {
    ...record,
    ...(status === 'found' && { unwantedSince }),
    ...(isAgreed && { agreed: true }),
  };
}

function notToGo({ unwantedSince: _since, agreed: _agreed, ...record }: PrincipalRecord): PrincipalRecord {
  return record;
}

/** The newest addition is the one that counts; events come in any order. */
function withAddition(record: PrincipalRecord, addition: Addition | undefined): PrincipalRecord {
  if (!addition || (record.addedAt !== undefined && record.addedAt > addition.at)) return record;
  return { ...record, addedBy: addition.by, addedAt: addition.at };
}

function changeOf(
  before: PrincipalRecord | undefined,
  after: PrincipalRecord | undefined,
): { readonly record?: PrincipalRecord; readonly write: Write } | undefined {
  const expected = before?.version ?? 0;
  if (before && !after)
    return { write: { remove: principalRecordKey(before.serviceId, before.principal), expected } };
  if (!after || isDeepStrictEqual(before, after)) return undefined;
  const record = { ...after, version: expected + 1 };
  return { record, write: { put: principalItem(record), expected } };
}

function byKey(principals: readonly string[]): Map<string, string> {
  return new Map(principals.map((principal) => [principalKey(principal), principal]));
}
