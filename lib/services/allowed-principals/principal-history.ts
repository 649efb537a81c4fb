import { isDeepStrictEqual } from 'node:util';
import type { Write } from '../../storage/table.ts';
import { omit } from '../../values/omit.ts';
import { principalKey } from './principal.ts';
import { type PrincipalRecord, principalEntity, principalRecordKey } from './principal-record.ts';

/** CloudTrail's event about an added principal. It may arrive before or after EC2 lists the principal. */
export interface ExternalAddition {
  readonly principal: string;
  readonly by: string;
  /** ISO 8601 */
  readonly at: string;
}

export interface ObservedPrincipal {
  readonly serviceId: string;
  readonly desired: readonly string[];
  /** The principals in EC2. */
  readonly actual: readonly string[];
  readonly additions: readonly ExternalAddition[];
  /** Whether linkgate manages the principals of the service. */
  readonly isManaged: boolean;
  /** The number of removals that a person has approved. All removals count as approved up to this number. */
  readonly removals: number;
  readonly now: Date;
}

/** The time for which linkgate keeps an addition that EC2 does not list yet. */
const maxVisibilityDelayMs = 3_600_000;

/**
 * Updates the records of a service's principals after the read of EC2.
 * @returns the records and their writes.
 */
export function recordPrincipals(
  storedRecords: readonly PrincipalRecord[],
  observed: ObservedPrincipal,
): { records: PrincipalRecord[]; writes: Write[] } {
  const before = new Map(storedRecords.map((record) => [principalKey(record.principal), record]));
  const desired = indexByPrincipalKey(observed.desired);
  const actual = indexByPrincipalKey(observed.actual);
  const additions = new Map<string, ExternalAddition>();
  for (const addition of observed.additions) additions.set(principalKey(addition.principal), addition);

  const unwanted = [...actual.keys()].filter((key) => !desired.has(key));
  const isRemovalApproved = observed.isManaged && unwanted.length <= observed.removals;

  const records: PrincipalRecord[] = [];
  const writes: Write[] = [];
  for (const key of new Set([...before.keys(), ...desired.keys(), ...actual.keys(), ...additions.keys()])) {
    const record = before.get(key);
    const principal = actual.get(key) ?? desired.get(key) ?? additions.get(key)?.principal ?? key;
    const after = nextPrincipalRecord(record, principal, additions.get(key), {
      ...observed,
      isDesired: desired.has(key),
      isActual: actual.has(key),
      isRemovalApproved,
    });
    const change = principalWrite(record, after);
    if (change) writes.push(change.write);
    if (after) records.push(change?.record ?? after);
  }
  return { records, writes };
}

function nextPrincipalRecord(
  before: PrincipalRecord | undefined,
  principal: string,
  addition: ExternalAddition | undefined,
  observed: ObservedPrincipal & {
    readonly isDesired: boolean;
    readonly isActual: boolean;
    readonly isRemovalApproved: boolean;
  },
): PrincipalRecord | undefined {
  const { serviceId, isManaged, isDesired, isActual, now } = observed;
  const firstSeenAt = now.toISOString();
  if (isDesired) {
    if (!isManaged) return undefined;
    if (before?.status !== 'desired')
      return { serviceId, principal, status: 'desired', firstSeenAt, version: before?.version ?? 0 };
    const { refusal, ...retained } = clearRemoval(before);
    return { ...retained, ...(!isActual && refusal && { refusal }) };
  }
  if (before?.status === 'desired') return isActual ? markNotDesired(before, observed) : undefined;
  const record = before ?? { serviceId, principal, status: 'external', firstSeenAt, version: 0 };
  const attributed = withAddition(record, addition);
  if (isActual) return markNotDesired(attributed, observed);
  const mayShow = now.getTime() - Date.parse(attributed.addedAt ?? '') < maxVisibilityDelayMs;
  return mayShow ? clearRemoval(attributed) : undefined;
}

/** Marks a principal that is in EC2 and not desired. */
function markNotDesired(
  record: PrincipalRecord,
  {
    isManaged,
    isRemovalApproved,
    now,
  }: Pick<ObservedPrincipal, 'isManaged' | 'now'> & { readonly isRemovalApproved: boolean },
): PrincipalRecord {
  if (!isManaged) return clearRemoval(record);
  const { status, notDesiredSince = now.toISOString() } = record;
  return {
    ...record,
    ...(status === 'external' && { notDesiredSince }),
    ...(isRemovalApproved && { removalApproved: true }),
  };
}

function clearRemoval(record: PrincipalRecord): PrincipalRecord {
  return omit(record, 'notDesiredSince', 'removalApproved');
}

/** Adds an addition. The newest one counts, because events arrive in any order. */
function withAddition(record: PrincipalRecord, addition: ExternalAddition | undefined): PrincipalRecord {
  if (!addition || (record.addedAt !== undefined && record.addedAt > addition.at)) return record;
  return { ...record, addedBy: addition.by, addedAt: addition.at };
}

function principalWrite(
  before: PrincipalRecord | undefined,
  after: PrincipalRecord | undefined,
): { readonly record?: PrincipalRecord; readonly write: Write } | undefined {
  const expected = before?.version ?? 0;
  if (before && !after)
    return { write: { remove: principalRecordKey(before.serviceId, before.principal), expected } };
  if (!after || isDeepStrictEqual(before, after)) return undefined;
  const record = { ...after, version: expected + 1 };
  return { record, write: principalEntity.put(record, before) };
}

function indexByPrincipalKey(principals: readonly string[]): Map<string, string> {
  return new Map(principals.map((principal) => [principalKey(principal), principal]));
}
