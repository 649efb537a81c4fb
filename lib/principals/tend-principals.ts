import { entriesFor } from '../allowlist/entries.ts';
import { everyService } from '../allowlist/entry.ts';
import { chunks } from '../chunks.ts';
import type { Invocation } from '../invocation.ts';
import type { Place } from '../place.ts';
import type { Service } from '../service/service.ts';
import type { ServiceBell } from '../service/service-bell.ts';
import { lost, untilWon } from '../table/contention.ts';
import { raise } from '../table/item.ts';
import { type Table, writesPerTransaction } from '../table/table.ts';
import type { AllowedPrincipals } from './allowed-principals.ts';
import { isKept } from './approve.ts';
import {
  type Changed,
  type ChangingPrincipals,
  changePrincipals,
  type Refusal,
} from './change-principals.ts';
import { type DueChanges, dueChanges, type PrincipalState } from './due-changes.ts';
import { impliedPrincipals } from './implied.ts';
import { principalKey } from './principal.ts';
import { principalDrift } from './principal-drift.ts';
import { principalItem, principalRecords } from './principal-record.ts';
import { type Addition, remember } from './remember.ts';

export interface TendingPrincipals extends Invocation, ChangingPrincipals {
  readonly table: Table;
  readonly principalsIn: (place: Place) => AllowedPrincipals;
  readonly serviceBell: ServiceBell;
  /** Told of each change that was asked of EC2. */
  readonly say: (change: { readonly serviceId: string } & Omit<DueChanges, 'withheld'> & Changed) => void;
}

/** What a service's record says after its principals were looked at. */
export type Tended = Required<Pick<Service, 'principalDrift' | 'principalsCheckedAt'>> &
  Pick<Service, 'principalsApproved'>;

/** After a change EC2 and the allowlist are looked at again: an entry may have come or gone while EC2 was called. */
const rounds = 3;
/** Seconds after which EC2 is asked again where it wished for fewer calls. */
const throttledFor = 60;

/**
 * Holds the allowed principals of a service against what the allowlist implies, and makes them so where it is managed.
 * Anything that cannot be read throws before EC2 is changed: an allowlist that was read in part is not a shorter allowlist.
 * @param actual as EC2 shows them, read before the allowlist is: what was allowed for an entry is then never without it.
 * @param additions what CloudTrail told of late.
 * @throws ContendedError
 */
export async function tendPrincipals(
  service: Service,
  actual: readonly string[],
  additions: readonly Addition[],
  deps: TendingPrincipals,
): Promise<Tended> {
  const { serviceId, place } = service;
  const ec2 = deps.principalsIn(place);
  const begun = deps.now();
  const tried = new Set<string>();
  let stopped: Changed['stopped'];
  for (let round = 1, shown = actual; ; round++) {
    const lookedAt = deps.now();
    // What comes while EC2 is called was in nobody's plan.
    const removals = round === 1 ? (service.principalsApproved?.removals ?? 0) : 0;
    const state = await look(service, removals, shown, additions, deps);
    const due = dueChanges(state, lookedAt);
    const left = notYet(tried, due);
    const isDone = left.allow.length + left.disallow.length === 0;
    if (isDone || stopped || round > rounds)
      return {
        principalDrift: principalDrift(state, { withheld: due.withheld, ...(stopped && { stopped }) }),
        principalsCheckedAt: begun.toISOString(),
        ...approvalAfter(service),
      };
    const changed = await changePrincipals(serviceId, left, lookedAt, ec2, deps);
    deps.say({ serviceId, allow: left.allow, disallow: left.disallow, ...changed });
    await keepRefusals(service, changed.refused, deps);
    stopped = changed.stopped;
    if (stopped === 'time' || stopped === 'throttled')
      await deps.serviceBell.ring([serviceId], { afterSeconds: stopped === 'time' ? 0 : throttledFor });
    shown = await ec2.list(serviceId);
  }
}

/** Reads the allowlist whole, and brings what is remembered up to date before anything rests on it. */
function look(
  service: Service,
  removals: number,
  actual: readonly string[],
  additions: readonly Addition[],
  { table, now }: TendingPrincipals,
): Promise<PrincipalState> {
  const { serviceId } = service;
  return untilWon(serviceId, async () => {
    const entries = await entriesFor([serviceId, everyService], { table, report: raise });
    const implied = impliedPrincipals(service, entries, now());
    const known = await principalRecords(serviceId, table);
    const seen = { serviceId, implied, actual, additions, isKept: isKept(service), removals, now: now() };
    const { records, writes } = remember(known, seen);
    for (const some of chunks(writes, writesPerTransaction)) if (!(await table.write(some))) return lost;
    return { service, implied, actual, records };
  });
}

/** EC2 may be late to show a change: none is asked for twice in a run. */
function notYet(tried: Set<string>, { allow, disallow, withheld }: DueChanges): DueChanges {
  const first = (verb: string) => (principal: string) => {
    const change = `${verb} ${principalKey(principal)}`;
    return !tried.has(change) && tried.add(change);
  };
  return { allow: allow.filter(first('allow')), disallow: disallow.filter(first('disallow')), withheld };
}

async function keepRefusals(
  { serviceId }: Service,
  refused: readonly Refusal[],
  { table, now }: TendingPrincipals,
): Promise<void> {
  if (refused.length === 0) return;
  const at = now().toISOString();
  const byKey = new Map(refused.map((each) => [principalKey(each.principal), each]));
  const refusedOnes = (await principalRecords(serviceId, table)).flatMap((record) => {
    const refusal = byKey.get(principalKey(record.principal));
    if (!refusal) return [];
    const { code, message } = refusal;
    return [{ ...record, refusal: { code, message, at }, version: record.version + 1 }];
  });
  // Where somebody else was faster, it is refused again in the next pass.
  for (const some of chunks(refusedOnes, writesPerTransaction))
    await table.write(some.map((record) => ({ put: principalItem(record), expected: record.version - 1 })));
}

/** What a person agreed to stands with each principal from the first look on; what was approved ends with the management. */
function approvalAfter({ principals, principalsApproved }: Service): Pick<Service, 'principalsApproved'> {
  if (principals !== 'managed' || !principalsApproved) return {};
  const { by, at } = principalsApproved;
  return { principalsApproved: { by, at } };
}
