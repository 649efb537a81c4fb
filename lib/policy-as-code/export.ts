import * as v from 'valibot';
import { type AllowlistEntry, allowlistPartition, allServicesScope, readEntry } from '../allowlist/entry.ts';
import { type ApproverGroup, listApproverGroups } from '../approvers/approver-group.ts';
import { type Customer, listCustomers } from '../customers/customer.ts';
import { AccountId } from '../privatelink/connection.ts';
import { effectiveManager, type ManagedBy } from '../runtime/managed-by.ts';
import { serviceNames } from '../services/find-service.ts';
import { listRegisteredServices } from '../services/registered-services.ts';
import type { Service } from '../services/service.ts';
import { decodeCursor, ExpiredTokenError, nextPageFields } from '../storage/cursor.ts';
import { parseEach, type ReadDeps } from '../storage/entity.ts';
import {
  PolicyCustomerSettings,
  PolicyEntrySettings,
  PolicyGroupSettings,
  PolicyServiceSettings,
} from './change.ts';

import type { PolicyDocument } from './document.ts';

/** A part of the table as a policy document, with the manager of each item. */
export type ExportedPolicy = {
  readonly [Kind in keyof PolicyDocument]: readonly ExportedItem<Kind>[];
};

type ExportedItem<Kind extends keyof PolicyDocument> = PolicyDocument[Kind][number] & {
  readonly managedBy: ManagedBy;
};

const exportListName = 'policy';

/** The minimum number of entries in a page, if there are more. */
const entriesPerPage = 1_000;

/** The position in the entries: the service, and the last account of the page before. */
const ExportCursor = v.object({ serviceId: v.string(), after: v.exactOptional(AccountId) });
type ExportCursor = v.InferOutput<typeof ExportCursor>;

/** The settings of an entry that blocks. */
const BlockSettings = v.pick(PolicyEntrySettings, ['owners', 'note', 'customer']);

/** Exports a page of the policy. The first page has everything except further entries. */
export async function exportPolicy(
  token: string | undefined,
  deps: ReadDeps,
): Promise<{ document: ExportedPolicy; nextToken?: string }> {
  const services = await listRegisteredServices(deps);
  const names = new Map([[allServicesScope, allServicesScope], ...serviceNames(services)]);
  const position = decodeCursor(exportListName, token, ExportCursor, { serviceId: allServicesScope });
  const { entries, next } = await readEntriesFrom(position, [...names.keys()], deps);
  const isFirst = token === undefined;
  return {
    document: {
      groups: isFirst ? (await listApproverGroups(deps)).map(exportGroup) : [],
      services: isFirst ? services.map((service) => exportService(service, names)) : [],
      customers: isFirst ? (await listCustomers(deps)).map(exportCustomer) : [],
      entries: entries.map((entry) => exportEntry(entry, names.get(entry.serviceId) ?? entry.serviceId)),
    },
    ...nextPageFields(exportListName, next),
  };
}

/** Reads entries service by service, until a page is full. */
async function readEntriesFrom(
  position: ExportCursor,
  serviceIds: readonly string[],
  { table, reportError }: ReadDeps,
): Promise<{ readonly entries: AllowlistEntry[]; readonly next?: ExportCursor }> {
  const entries: AllowlistEntry[] = [];
  const begin = serviceIds.indexOf(position.serviceId);
  // Somebody removed the service during the export, so the next position is unknown.
  if (begin < 0) throw new ExpiredTokenError();
  for (const serviceId of serviceIds.slice(begin)) {
    const after = serviceId === position.serviceId ? position.after : undefined;
    const options = { limit: entriesPerPage, ...(after !== undefined && { after }) };
    for await (const page of table.query(allowlistPartition(serviceId), options)) {
      entries.push(...parseEach(page, readEntry, reportError));
      const last = page.at(-1);
      if (last && entries.length >= entriesPerPage) return { entries, next: { serviceId, after: last.sk } };
    }
  }
  return { entries };
}

function exportGroup(group: ApproverGroup): ExportedItem<'groups'> {
  return {
    name: group.name,
    ...v.parse(PolicyGroupSettings, group),
    managedBy: effectiveManager(group),
  };
}

/** Exports a service without a name with its id alone. */
function exportService(service: Service, names: ReadonlyMap<string, string>): ExportedItem<'services'> {
  const { serviceId, location } = service;
  const { name, ...settings } = v.parse(PolicyServiceSettings, service);
  const isNamed = names.get(serviceId) === name;
  return {
    serviceId,
    ...(isNamed && name !== serviceId && { name }),
    ...location,
    ...settings,
    managedBy: effectiveManager(service),
  };
}

function exportCustomer(customer: Customer): ExportedItem<'customers'> {
  return {
    name: customer.name,
    ...v.parse(PolicyCustomerSettings, customer),
    managedBy: effectiveManager(customer),
  };
}

function exportEntry(entry: AllowlistEntry, service: string): ExportedItem<'entries'> {
  const { accountId, effect } = entry;
  const { effect: _effect, ...settings } = v.parse(PolicyEntrySettings, entry);
  const target = { service, accountId, managedBy: effectiveManager(entry) };
  return effect === 'block'
    ? { effect, ...target, ...v.parse(BlockSettings, settings) }
    : { effect, ...target, ...settings };
}
