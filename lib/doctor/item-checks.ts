import * as v from 'valibot';
import { allowlistPartition, allServicesScope } from '../allowlist/entry.ts';
import { digestPartition, requestTarget } from '../approvals/digest.ts';
import { approverGroupPartition } from '../approvers/approver-group.ts';
import { operationsNoticePartition, operationsNoticeTarget } from '../approvers/operations-notice.ts';
import { operationsKey } from '../approvers/operations-recipients.ts';
import { fail, pass } from '../checks/check.ts';
import type { CheckedResult } from '../checks/run-checks.ts';
import { readRecord, recordPartitions } from '../connections/connection-record.ts';
import {
  awaitingApproval,
  connectionsByAccount,
  pendingEffects,
  reevaluations,
} from '../connections/indexes.ts';
import { customerEventTarget } from '../customer-notifications/due-events.ts';
import { customerPartition, readCustomer } from '../customers/customer.ts';
import { accountPointerKey } from '../customers/customer-by-account.ts';
import { deliveryFailurePartition } from '../customers/delivery-failure.ts';
import { modeKey } from '../mode/mode.ts';
import { throttleKey } from '../notifications/throttle.ts';
import { notificationKey, notificationRetries } from '../outbox/notification.ts';
import { quotaPartition } from '../policy/endpoint-quota.ts';
import { quotaKey } from '../reconcile/disconnect-quota.ts';
import { principalsPartition } from '../services/allowed-principals/principal-record.ts';
import { readLocations } from '../services/registered-services.ts';
import { servicesPartition } from '../services/service.ts';
import {
  parseEach,
  type ReadDeps,
  UnreadableItemError,
  UnsupportedSchemaVersionError,
} from '../storage/entity.ts';
import { itemKindOfKey, reasonsToKeepItems, removalCommand } from '../storage/item-remedy.ts';
import { leasePartition } from '../storage/lease.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { identityKey } from '../storage/table-identity.ts';
import { findItemEntity } from './item-entities.ts';

const NonNegativeInteger = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The next page of the item checks: the partition, the last sort key, and the counts so far. */
export const ItemCheckCursor = v.object({
  source: NonNegativeInteger,
  after: v.exactOptional(v.string()),
  read: NonNegativeInteger,
  unreadable: NonNegativeInteger,
});
type ItemCheckCursor = v.InferOutput<typeof ItemCheckCursor>;

const itemsPerPage = 1_000;
const itemQueriesPerPage = 40;

/**
 * Finds every unreadable item of the table, except audit entries, which `linkgate audit verify` checks, and items that expire
 * within a day.
 */
export async function checkItems(
  position: ItemCheckCursor,
  deps: ReadDeps,
): Promise<{ readonly results: readonly CheckedResult[]; readonly next?: ItemCheckCursor }> {
  const partitions = await listPartitions(deps);
  const errors: UnreadableItemError[] = [];
  let { source, after, read, unreadable } = position;
  if (source === 0 && after === undefined)
    errors.push(...findUnreadable(await deps.table.get(singletonKeys)));
  const end = read + itemsPerPage;
  for (let queries = 0; source < partitions.length && queries < itemQueriesPerPage && read < end; queries++) {
    const page = await queryFirstPage(partitions[source] ?? '', after, deps.table);
    const beside = await deps.table.get(page.flatMap((item) => listRelatedKeys(item)));
    errors.push(...findUnreadable([...page, ...beside]));
    read += page.length + beside.length;
    after = page.at(-1)?.sk;
    if (after === undefined) source++;
  }
  unreadable += errors.length;
  const checkId = 'unreadable-items';
  const results = errors.map((error) => {
    const { pk, sk } = error.key;
    return { checkId, subject: `${pk} ${sk}`, ...fail(error.message, unreadableRemedy(error)) };
  });
  if (source < partitions.length)
    return { results, next: { source, read, unreadable, ...(after !== undefined && { after }) } };
  const inOrder = { checkId, ...pass(`linkgate can read every item: ${read}`) };
  return { results: unreadable === 0 ? [inOrder] : results };
}

/**
 * Lists the partitions with many items. The sort key of a service or a group names its partitions, so an unreadable item names
 * them too.
 */
async function listPartitions(deps: ReadDeps): Promise<string[]> {
  const quiet = { ...deps, reportError: () => {} };
  const [serviceIds, groups, locations] = await Promise.all([
    listSortKeys(servicesPartition, deps.table),
    listSortKeys(approverGroupPartition, deps.table),
    readLocations(quiet),
  ]);
  return [
    servicesPartition,
    approverGroupPartition,
    customerPartition,
    deliveryFailurePartition,
    digestPartition,
    leasePartition,
    ...(['approvers', 'operations', 'customer'] as const).map(notificationRetries.partition),
    operationsNoticePartition,
    allowlistPartition(allServicesScope),
    ...serviceIds.flatMap((serviceId) => [allowlistPartition(serviceId), principalsPartition(serviceId)]),
    ...groups.map(awaitingApproval.partition),
    ...locations.flatMap((location) => [
      pendingEffects.partition(location),
      reevaluations.partition(location),
      quotaPartition(location),
    ]),
    ...recordPartitions,
  ];
}

const singletonKeys: readonly Key[] = [modeKey, operationsKey, identityKey, quotaKey];

/** Derives the keys of the items that linkgate stores in separate partitions for another item. */
function listRelatedKeys(item: Item): Key[] {
  const ignore = () => {};
  if (item.pk === approverGroupPartition) return [throttleKey(item.sk)];
  if (item.pk === customerPartition)
    return parseEach([item], readCustomer, ignore).flatMap(({ accounts }) => accounts.map(accountPointerKey));
  if (item.pk === operationsNoticePartition) return [notificationKey(operationsNoticeTarget(item.sk))];
  if (item.pk === digestPartition) return [notificationKey({ kind: 'digest', id: item.sk })];
  if (!recordPartitions.includes(item.pk)) return [];
  const related = parseEach([item], readRecord, ignore).flatMap((record): Key[] => [
    notificationKey(customerEventTarget(record)),
    ...connectionsByAccount.writes(undefined, record).flatMap((write) => ('put' in write ? write.put : [])),
  ]);
  return [notificationKey(requestTarget(item.sk)), ...related];
}

async function listSortKeys(pk: string, table: Table): Promise<string[]> {
  return (await Array.fromAsync(table.query(pk))).flat().map(({ sk }) => sk);
}

async function queryFirstPage(pk: string, after: string | undefined, table: Table): Promise<Item[]> {
  for await (const page of table.query(pk, { limit: itemsPerPage, ...(after !== undefined && { after }) }))
    return page;
  return [];
}

function findUnreadable(items: readonly Item[]): UnreadableItemError[] {
  const errors: UnreadableItemError[] = [];
  parseEach(
    items,
    (item) => findItemEntity(item)?.read(item),
    (error) => {
      if (!(error instanceof UnreadableItemError)) throw error;
      errors.push(error);
    },
  );
  return errors;
}

function unreadableRemedy(error: UnreadableItemError): string {
  const reasonToKeep = reasonsToKeepItems.get(itemKindOfKey(error.key));
  const { afterwards } = findItemEntity(error.key) ?? {};
  const newer = error instanceof UnsupportedSchemaVersionError ? 'deploy the newer version again. ' : '';
  if (reasonToKeep !== undefined) return `${newer}It cannot be removed: ${reasonToKeep}`;
  const then = afterwards === undefined ? '' : `\nThen ${afterwards}`;
  return `${newer}linkgate leaves undecided what depends on it, until it is fixed or removed:\n${removalCommand(error.key)}${then}`;
}
