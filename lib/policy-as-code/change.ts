import * as v from 'valibot';
import { AllowlistEntry, entryKey } from '../allowlist/entry.ts';
import { ApproverGroup, groupKey } from '../approvers/approver-group.ts';
import { Customer, customerKey } from '../customers/customer.ts';
import { ManagedBy } from '../runtime/managed-by.ts';
import { Service, serviceKey, serviceSettings } from '../services/service.ts';
import type { Key } from '../storage/table.ts';

const changeFields = ['managedBy', 'changedAt', 'changedBy', 'version'] as const;
/** The settings of each item in a policy file, without manager and version. */
export const PolicyEntrySettings = v.omit(AllowlistEntry, ['serviceId', 'accountId', ...changeFields]);
export const PolicyGroupSettings = v.omit(ApproverGroup, ['name', ...changeFields]);
export const PolicyCustomerSettings = v.omit(Customer, ['name', ...changeFields]);
export const PolicyServiceSettings = v.pick(Service, ['name', ...serviceSettings]);
export type PolicyEntrySettings = v.InferOutput<typeof PolicyEntrySettings>;
export type PolicyGroupSettings = v.InferOutput<typeof PolicyGroupSettings>;
export type PolicyCustomerSettings = v.InferOutput<typeof PolicyCustomerSettings>;
export type PolicyServiceSettings = v.InferOutput<typeof PolicyServiceSettings>;

/**
 * The action of an apply for one item. `adopt`: the file takes it over from another manager. `unmanaged`: another manager's item,
 * equal to the file or not in the file. `conflict`: another manager's item, different from the file. An apply does not change the
 * last two.
 */
export const ChangeAction = v.picklist(['add', 'change', 'remove', 'adopt', 'unmanaged', 'conflict']);
export type ChangeAction = v.InferOutput<typeof ChangeAction>;

const commonFields = {
  action: ChangeAction,
  /** The name of the item in messages. */
  name: v.string(),
  /** The manager before the change. */
  managedBy: v.exactOptional(ManagedBy),
  /** The author of the last change. */
  changedBy: v.exactOptional(v.string()),
  note: v.exactOptional(v.string()),
};

/** `version`: of the item before the change, 0 without one. `before` and `after` are absent without an item. */
function changeSchema<
  const Kind extends string,
  Settings extends v.GenericSchema,
  KeyFields extends v.ObjectEntries,
>(kind: Kind, settings: Settings, keyFields: KeyFields) {
  return v.object({
    kind: v.literal(kind),
    ...commonFields,
    ...keyFields,
    before: v.exactOptional(settings),
    after: v.exactOptional(settings),
    version: v.number(),
  });
}

const { serviceId, accountId } = AllowlistEntry.entries;

/** One row of a plan. */
export const PolicyChange = v.variant('kind', [
  changeSchema('group', PolicyGroupSettings, {}),
  changeSchema('customer', PolicyCustomerSettings, {}),
  changeSchema('service', PolicyServiceSettings, { serviceId: Service.entries.serviceId }),
  changeSchema('entry', PolicyEntrySettings, { serviceId, accountId, service: v.string() }),
  v.object({
    kind: v.literal('principal'),
    ...commonFields,
    serviceId: Service.entries.serviceId,
    service: v.string(),
  }),
]);
export type PolicyChange = v.InferOutput<typeof PolicyChange>;
export type ChangeKind = PolicyChange['kind'];
export type ChangeOfKind<Kind extends ChangeKind> = Extract<PolicyChange, { kind: Kind }>;
/** A change of an item in the table. Allowed principals are in EC2, and change after the table contains a person's approval. */
export type ItemChange = Exclude<PolicyChange, { kind: 'principal' }>;

/** Whether the change writes an item. */
export function isApplicable({ action }: Pick<PolicyChange, 'action'>): boolean {
  return action !== 'unmanaged' && action !== 'conflict';
}

export function changeKey(change: ItemChange): Key {
  switch (change.kind) {
    case 'group':
      return groupKey(change.name);
    case 'customer':
      return customerKey(change.name);
    case 'service':
      return serviceKey(change.serviceId);
    case 'entry':
      return entryKey(change.serviceId, change.accountId);
    default:
      throw change satisfies never;
  }
}
