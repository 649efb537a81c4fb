import * as v from 'valibot';
import { readEntry } from '../allowlist/entry.ts';
import { readGroup } from '../approvers/approver-group.ts';
import { readCustomer } from '../customers/customer.ts';
import { effectiveManager } from '../runtime/managed-by.ts';
import { readService } from '../services/service.ts';
import { formatKey, type ReadDeps } from '../storage/entity.ts';
import type { Item } from '../storage/table.ts';
import {
  changeKey,
  type ItemChange,
  PolicyCustomerSettings,
  PolicyEntrySettings,
  PolicyGroupSettings,
  PolicyServiceSettings,
} from './change.ts';
import { isSameSettings, serviceDefaults } from './compare-settings.ts';
import { itemVersions, readCurrentState } from './current-state.ts';
import { type Plan, readPlannedVersions } from './plan.ts';

/** The table has changed since linkgate computed the plan. */
export class StalePlanError extends Error {
  override readonly name = 'StalePlanError';
  readonly changedItems: readonly string[];

  constructor(changedItems: readonly string[], options?: ErrorOptions) {
    const unnamedCount = changedItems.length - maxNamedChanges;
    const list = `${changedItems.slice(0, maxNamedChanges).join(', ')}${unnamedCount > 0 ? ` and ${unnamedCount} more` : ''}`;
    super(`the table changed since the plan was made (${list}): plan again`, options);
    this.changedItems = changedItems;
  }
}

const maxNamedChanges = 10;

/** Lists the items whose version differs from the plan's, except those that the plan itself changed. */
export async function itemsChangedSince(
  plan: Plan,
  appliedChanges: readonly ItemChange[],
  deps: ReadDeps,
): Promise<string[]> {
  const services = plan.serviceIds.map((serviceId) => ({ serviceId }));
  const [currentVersions, plannedVersions] = [
    itemVersions(await readCurrentState({ services }, deps)),
    await readPlannedVersions(plan, deps.table),
  ];
  const appliedKeys = new Set(appliedChanges.map((change) => formatKey(changeKey(change))));
  return [...new Set([...plannedVersions.keys(), ...currentVersions.keys()])]
    .filter((key) => !appliedKeys.has(key) && currentVersions.get(key) !== plannedVersions.get(key))
    .map(describeItemKey);
}

/** Names the item of a change in messages. */
export function describeChange(change: ItemChange): string {
  return describeItemKey(formatKey(changeKey(change)));
}

const itemNamePatterns: readonly (readonly [RegExp, string])[] = [
  [/^ALLOWLIST#(.*)\n(.*)$/, 'account $2 at $1'],
  [/^SERVICE\n(.*)$/, 'service $1'],
  [/^CUSTOMER\n(.*)$/, 'customer $1'],
  [/^APPROVERS\n(.*)$/, 'group $1'],
];

function describeItemKey(key: string): string {
  const kind = itemNamePatterns.find(([form]) => form.test(key));
  return kind ? key.replace(...kind) : key;
}

/** Whether the table already contains the result of a change, regardless of its author. */
export function isAlreadyApplied(change: ItemChange, item: Item | undefined): boolean {
  if (!change.after || !item) return !change.after && !item;
  const { read, settings } = storedForms[change.kind];
  const stored = read(item);
  return effectiveManager(stored) === 'file' && isSameSettings(v.parse(settings, stored), change.after);
}

/** How each kind of item is stored, and which of its attributes a policy file sets. */
const storedForms = {
  entry: { read: readEntry, settings: PolicyEntrySettings },
  group: { read: readGroup, settings: PolicyGroupSettings },
  customer: { read: readCustomer, settings: PolicyCustomerSettings },
  service: {
    read: (item: Item) => ({ ...serviceDefaults, ...readService(item) }),
    settings: PolicyServiceSettings,
  },
} as const;
