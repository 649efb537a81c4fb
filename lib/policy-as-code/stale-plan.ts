import { readEntry } from '../allowlist/entry.ts';
import { readGroup } from '../approvers/approver-group.ts';
import { readCustomer } from '../customers/customer.ts';
import { managerOf } from '../runtime/managed-by.ts';
import { readService } from '../services/service.ts';
import { keyName, type ReadDeps } from '../storage/entity.ts';
import type { Item } from '../storage/table.ts';
import {
  CustomerSettings,
  EntrySettings,
  GroupSettings,
  type ItemChange,
  keyOfChange,
  ServiceSettings,
} from './change.ts';
import { isEqual, pickSettings, serviceDefaults } from './comparable.ts';
import { readCurrentState, versionsOf } from './current-state.ts';
import { basedOn, type Plan } from './plan.ts';

/** The table is no longer as it was when the plan was made. */
export class StalePlanError extends Error {
  override readonly name = 'StalePlanError';
  readonly moved: readonly string[];

  constructor(moved: readonly string[], options?: ErrorOptions) {
    const others = moved.length - named;
    const list = `${moved.slice(0, named).join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
    super(`the table moved on since the plan was made (${list}): plan again`, options);
    this.moved = moved;
  }
}

const named = 10;

/** What is there now in another version than the plan rests on, beside what the plan itself has changed. */
export async function changedSince(
  plan: Plan,
  made: readonly ItemChange[],
  deps: ReadDeps,
): Promise<string[]> {
  const services = plan.serviceIds.map((serviceId) => ({ serviceId }));
  const [now, then] = [
    versionsOf(await readCurrentState({ services }, deps)),
    await basedOn(plan, deps.table),
  ];
  const ours = new Set(made.map((change) => keyName(keyOfChange(change))));
  return [...new Set([...then.keys(), ...now.keys()])]
    .filter((key) => !ours.has(key) && now.get(key) !== then.get(key))
    .map(nameOf);
}

/** The name of what a change is of, for people. */
export function describeChange(change: ItemChange): string {
  return nameOf(keyName(keyOfChange(change)));
}

const kinds: readonly (readonly [RegExp, string])[] = [
  [/^ALLOWLIST#(.*)\n(.*)$/, 'account $2 at $1'],
  [/^SERVICE\n(.*)$/, 'service $1'],
  [/^CUSTOMER\n(.*)$/, 'customer $1'],
  [/^APPROVERS\n(.*)$/, 'group $1'],
];

function nameOf(key: string): string {
  const kind = kinds.find(([form]) => form.test(key));
  return kind ? key.replace(...kind) : key;
}

/** Whether the table has what a change makes, whoever made it. */
export function isAlreadyApplied(change: ItemChange, item: Item | undefined): boolean {
  if (!change.after || !item) return !change.after && !item;
  const there = thereIn(change, item);
  return managerOf(there) === 'file' && isEqual(there.settings, change.after);
}

function thereIn(change: ItemChange, item: Item) {
  switch (change.kind) {
    case 'entry':
      return withSettings(readEntry(item), EntrySettings);
    case 'group':
      return withSettings(readGroup(item), GroupSettings);
    case 'customer':
      return withSettings(readCustomer(item), CustomerSettings);
    case 'service':
      return withSettings({ ...serviceDefaults, ...readService(item) }, ServiceSettings);
    default:
      throw change satisfies never;
  }
}

function withSettings<Value extends object>(value: Value, schema: Parameters<typeof pickSettings>[0]) {
  return { ...value, settings: pickSettings(schema, value) };
}
