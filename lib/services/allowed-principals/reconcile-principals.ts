import { readEntries } from '../../allowlist/entries.ts';
import { allServicesScope } from '../../allowlist/entry.ts';
import type { AccountRegion } from '../../locations/account-region.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { rethrow } from '../../storage/entity.ts';
import { conflict, retryOnConflict } from '../../storage/optimistic-lock.ts';
import { type Table, writesPerTransaction } from '../../storage/table.ts';
import { chunks } from '../../values/chunks.ts';
import type { Service } from '../service.ts';
import type { ServiceCheckQueue } from '../service-check-queue.ts';
import type { AllowedPrincipals } from './allowed-principals.ts';
import { hasManagedPrincipals } from './approve.ts';
import {
  type ChangePrincipalsDeps,
  changePrincipals,
  type PrincipalRefusal,
  type PrincipalsChange,
} from './change-principals.ts';
import { desiredPrincipals } from './desired-principals.ts';
import { type PendingChanges, type PrincipalState, pendingChanges } from './pending-changes.ts';
import { principalKey } from './principal.ts';
import { principalDrift } from './principal-drift.ts';
import { type ExternalAddition, recordPrincipals } from './principal-history.ts';
import { principalEntity, readPrincipalRecords } from './principal-record.ts';

export interface ReconcilePrincipalsDeps extends Runtime, ChangePrincipalsDeps {
  readonly table: Table;
  readonly principalsClient: (location: AccountRegion) => AllowedPrincipals;
  readonly serviceCheckQueue: ServiceCheckQueue;
  /** Logs each change that linkgate requested from EC2. */
  readonly logChange: (
    change: { readonly serviceId: string } & Omit<PendingChanges, 'blockedRemovals'> & PrincipalsChange,
  ) => void;
}

/** The attributes of the service item after a reconciliation, with the drift of the principals alone. */
export type PrincipalsResult = Required<Pick<Service, 'drift' | 'principalsCheckedAt'>> &
  Pick<Service, 'principalsApproval'>;

/** After a change linkgate reads EC2 and the allowlist again, because an entry may have changed during the calls. */
const maxRounds = 3;
/** The delay of the next check after EC2 throttled a call. */
const throttledDelaySeconds = 60;

/**
 * Compares the allowed principals of a service with the allowlist, and changes EC2 if linkgate manages them. An unreadable item
 * throws before any change in EC2, because linkgate would remove the principals of unreadable entries.
 * @param actual the principals from EC2. The caller reads them before this function reads the allowlist, so that no principal is
 * without its entry.
 * @param additions recent additions from CloudTrail.
 * @throws OptimisticLockError
 */
export async function reconcilePrincipals(
  service: Service,
  actual: readonly string[],
  additions: readonly ExternalAddition[],
  deps: ReconcilePrincipalsDeps,
): Promise<PrincipalsResult> {
  const { serviceId, location } = service;
  const ec2 = deps.principalsClient(location);
  const startedAt = deps.now();
  const tried = new Set<string>();
  let stopped: PrincipalsChange['stopped'];
  for (let round = 1, listed = actual; ; round++) {
    const lookedAt = deps.now();
    // The approved plan covers only the first round.
    const removals = round === 1 ? (service.principalsApproval?.removals ?? 0) : 0;
    const state = await readPrincipalState(service, removals, listed, additions, deps);
    const due = pendingChanges(state, lookedAt);
    const untried = untriedChanges(tried, due);
    const isDone = untried.allow.length + untried.disallow.length === 0;
    if (isDone || stopped || round > maxRounds)
      return {
        drift: await principalDrift({ ...state, blockedRemovals: due.blockedRemovals, stopped }, deps),
        principalsCheckedAt: startedAt.toISOString(),
        ...approvalWithoutRemovals(service),
      };
    const changed = await changePrincipals(serviceId, untried, lookedAt, ec2, deps);
    deps.logChange({ serviceId, allow: untried.allow, disallow: untried.disallow, ...changed });
    await saveRefusals(service, changed.refused, deps);
    stopped = changed.stopped;
    if (stopped === 'time' || stopped === 'throttled')
      await deps.serviceCheckQueue.enqueue([serviceId], {
        afterSeconds: stopped === 'time' ? 0 : throttledDelaySeconds,
      });
    listed = await ec2.list(serviceId);
  }
}

/** Reads the whole allowlist and saves the updated principal records before any change depends on them. */
function readPrincipalState(
  service: Service,
  removals: number,
  actual: readonly string[],
  additions: readonly ExternalAddition[],
  { table, now }: ReconcilePrincipalsDeps,
): Promise<PrincipalState> {
  const { serviceId } = service;
  return retryOnConflict(serviceId, async () => {
    const entries = await readEntries([serviceId, allServicesScope], { table, reportError: rethrow });
    const desired = desiredPrincipals(service, entries, now());
    const storedRecords = await readPrincipalRecords(serviceId, table);
    const observed = {
      serviceId,
      desired,
      actual,
      additions,
      isManaged: hasManagedPrincipals(service),
      removals,
      now: now(),
    };
    const { records, writes } = recordPrincipals(storedRecords, observed);
    for (const some of chunks(writes, writesPerTransaction)) if (!(await table.write(some))) return conflict;
    return { service, desired, actual, records };
  });
}

/** Omits changes that this run already requested: EC2 may list them late. */
function untriedChanges(
  tried: Set<string>,
  { allow, disallow, blockedRemovals }: PendingChanges,
): PendingChanges {
  const first = (verb: string) => (principal: string) => {
    const change = `${verb} ${principalKey(principal)}`;
    return !tried.has(change) && tried.add(change);
  };
  return {
    allow: allow.filter(first('allow')),
    disallow: disallow.filter(first('disallow')),
    blockedRemovals,
  };
}

async function saveRefusals(
  { serviceId }: Service,
  refused: readonly PrincipalRefusal[],
  { table, now }: ReconcilePrincipalsDeps,
): Promise<void> {
  if (refused.length === 0) return;
  const at = now().toISOString();
  const refusalByKey = new Map(refused.map((each) => [principalKey(each.principal), each]));
  const writes = (await readPrincipalRecords(serviceId, table)).flatMap((record) => {
    const refusal = refusalByKey.get(principalKey(record.principal));
    if (!refusal) return [];
    const { code, message } = refusal;
    const after = { ...record, refusal: { code, message, at }, version: record.version + 1 };
    return [principalEntity.put(after, record)];
  });
  // After a conflict the next check receives the same refusal again.
  for (const some of chunks(writes, writesPerTransaction)) await table.write(some);
}

/**
 * Drops the approved removals, which the first round has copied to the principal records. The approval ends when the management
 * ends.
 */
function approvalWithoutRemovals({
  principals,
  principalsApproval,
}: Service): Pick<Service, 'principalsApproval'> {
  if (principals !== 'managed' || !principalsApproval) return {};
  const { by, at } = principalsApproval;
  return { principalsApproval: { by, at } };
}
