import * as v from 'valibot';
import { countedIn } from '../allowlist/counted-endpoints.ts';
import { entriesOf, everyService } from '../allowlist/entry.ts';
import { allGroups } from '../approval/approver-group.ts';
import { accountWrites } from '../connection/account-history.ts';
import { agendaOf } from '../connection/agenda.ts';
import { readRecord, recordPartitions } from '../connection/connection-record.ts';
import { dueIn } from '../connection/due.ts';
import { waitingFor } from '../connection/waiting.ts';
import { pointerKey } from '../customer/account-pointer.ts';
import { allTroubles } from '../customer/contact-trouble.ts';
import { allCustomers, readCustomer } from '../customer/customer.ts';
import { toldKey } from '../customer/told.ts';
import { kindOfItem } from '../items/item-kinds.ts';
import { keptBecause, kindName, removalCommand } from '../items/remedy.ts';
import { modeKey } from '../mode/mode.ts';
import { applyLeaseKey } from '../plan/apply-lease.ts';
import { principalsOf } from '../principals/principal-record.ts';
import { cutsKey } from '../revocation/budget.ts';
import { placesOf } from '../service/registered-services.ts';
import { allServices } from '../service/service.ts';
import { leaseKey } from '../sweep/lease.ts';
import { NewerItemError, type ReadDeps, readEach, UnreadableItemError } from '../table/item.ts';
import { lineageKey } from '../table/lineage.ts';
import type { Item, Key, Table } from '../table/table.ts';
import { boardKey } from '../telling/board.ts';
import { allDigests } from '../telling/digest.ts';
import { type Check, failed, ok, type Result } from './check.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Where the look at the items goes on: in which partition, and after which sort key; and how many were read until then. */
export const ItemPosition = v.object({
  source: count,
  after: v.exactOptional(v.string()),
  read: count,
  unreadable: count,
});
type ItemPosition = v.InferOutput<typeof ItemPosition>;

const itemsPerPage = 1_000;
const queriesPerPage = 40;

/**
 * Names every item that linkgate cannot read. Audit entries are left to `linkgate audit verify`, and what vanishes by itself within a
 * day to whoever comes across it.
 */
export async function examineItems(
  position: ItemPosition,
  deps: ReadDeps,
): Promise<{ readonly checks: readonly Check[]; readonly next?: ItemPosition }> {
  const partitions = await partitionsOf(deps);
  const errors: UnreadableItemError[] = [];
  let { source, after, read, unreadable } = position;
  if (source === 0 && after === undefined)
    errors.push(...unreadableAmong(await deps.table.get(await singleKeys(deps))));
  const end = read + itemsPerPage;
  for (let queries = 0; source < partitions.length && queries < queriesPerPage && read < end; queries++) {
    const page = await firstPage(partitions[source] ?? '', after, deps.table);
    const beside = await deps.table.get(page.flatMap((item) => keysBeside(item)));
    errors.push(...unreadableAmong([...page, ...beside]));
    read += page.length + beside.length;
    after = page.at(-1)?.sk;
    if (after === undefined) source++;
  }
  unreadable += errors.length;
  const checks = errors.map((error) => checkOf(nameOf(error.key), failed(error.message, remedyFor(error))));
  if (source < partitions.length)
    return { checks, next: { source, read, unreadable, ...(after !== undefined && { after }) } };
  const inOrder = unreadable === 0 ? [checkOf(null, ok(`every item can be read: ${read}`))] : [];
  return { checks: [...checks, ...inOrder] };
}

function checkOf(subject: string | null, result: Result): Check {
  return { group: 'items', name: 'unreadable-items', subject, remedy: null, ...result };
}

/** The partitions that hold many items. Those of a service or a group are named by its key, which can be read whatever the item says. */
async function partitionsOf(deps: ReadDeps): Promise<string[]> {
  const quiet = { ...deps, report: () => {} };
  const [serviceIds, groups, places] = await Promise.all([
    sortKeysIn(allServices, deps.table),
    sortKeysIn(allGroups, deps.table),
    placesOf(quiet),
  ]);
  return [
    allServices,
    allGroups,
    allCustomers,
    allTroubles,
    allDigests,
    entriesOf(everyService),
    ...serviceIds.flatMap((serviceId) => [entriesOf(serviceId), principalsOf(serviceId)]),
    ...groups.map(waitingFor),
    ...places.flatMap((place) => [dueIn(place), agendaOf(place), countedIn(place)]),
    ...recordPartitions,
  ];
}

async function singleKeys(deps: ReadDeps): Promise<Key[]> {
  const places = await placesOf({ ...deps, report: () => {} });
  const leases = places.flatMap((place) => [leaseKey(place, 'pending'), leaseKey(place, 'full')]);
  return [modeKey, lineageKey, cutsKey, applyLeaseKey, ...leases];
}

/** Items in a partition of their own, of which the key follows from another item. */
function keysBeside(item: Item): Key[] {
  const ignore = () => {};
  if (item.pk === allGroups) return [boardKey(item.sk)];
  if (item.pk === allCustomers)
    return readEach([item], readCustomer, ignore).flatMap(({ accounts }) => accounts.map(pointerKey));
  if (!recordPartitions.includes(item.pk)) return [];
  const pointers = readEach([item], readRecord, ignore).flatMap((record) => accountWrites(undefined, record));
  return [toldKey(item.sk), ...pointers.flatMap((write) => ('put' in write ? write.put : []))];
}

async function sortKeysIn(pk: string, table: Table): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of table.query(pk)) keys.push(...page.map(({ sk }) => sk));
  return keys;
}

async function firstPage(pk: string, after: string | undefined, table: Table): Promise<Item[]> {
  for await (const page of table.query(pk, { limit: itemsPerPage, ...(after !== undefined && { after }) }))
    return page;
  return [];
}

function unreadableAmong(items: readonly Item[]): UnreadableItemError[] {
  const errors: UnreadableItemError[] = [];
  readEach(
    items,
    (item) => kindOfItem(item)?.read(item),
    (error) => {
      if (!(error instanceof UnreadableItemError)) throw error;
      errors.push(error);
    },
  );
  return errors;
}

function remedyFor(error: UnreadableItemError): string {
  const kept = keptBecause.get(kindName(error.key));
  const { afterwards } = kindOfItem(error.key) ?? {};
  const newer = error instanceof NewerItemError ? 'deploy the newer version again. ' : '';
  if (kept !== undefined) return `${newer}It cannot be removed: ${kept}`;
  const then = afterwards === undefined ? '' : `\nThen ${afterwards}`;
  return `${newer}What rests on it waits until it can be read, or is removed:\n${removalCommand(error.key)}${then}`;
}

function nameOf({ pk, sk }: Key): string {
  return `${pk} ${sk}`;
}
