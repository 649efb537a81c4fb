import { allowlistEntryEntity, entryKey } from '../allowlist/entry.ts';
import { approverGroupEntity, emptyGroup, listApproverGroups } from '../approvers/approver-group.ts';
import { subscribeGroup } from '../channels/email/subscribe-group.ts';
import type { Subscriptions } from '../channels/email/subscriptions.ts';
import { subscribeContact } from '../customer-notifications/subscribe-contact.ts';
import { type Customer, listCustomers } from '../customers/customer.ts';
import { removeCustomer, setCustomer } from '../customers/set-customer.ts';
import { approvePrincipals } from '../services/allowed-principals/approve.ts';
import { type RegisterDeps, registerService, removeService } from '../services/register-service.ts';
import { readService, serviceEntity, serviceKey } from '../services/service.ts';
import { listIfAllReadable } from '../storage/entity.ts';
import type { Item, Write } from '../storage/table.ts';
import { applyEntryChange, applyGroupChange, applyServiceChange, type ChangeAuthor } from './apply-change.ts';
import { type ChangeOfKind, changeKey, type ItemChange, isApplicable, type PolicyChange } from './change.ts';
import { isSameSettings } from './compare-settings.ts';
import { describeChange, isAlreadyApplied, StalePlanError } from './stale-plan.ts';

export interface ApplyStepDeps extends RegisterDeps {
  readonly subscriptions: Subscriptions;
  readonly customerSubscriptions: Subscriptions;
  /** The actor who applies. */
  readonly caller: string;
  /** Milliseconds until the end of this run. */
  readonly remainingMs: () => number;
}

/** The remaining writes of a change, and warnings for a person. */
export interface StepResult {
  readonly writes: readonly Write[];
  readonly warnings: readonly string[];
}

const emptyStep: StepResult = { writes: [], warnings: [] };

/** The approval of changes to a service's allowed principals, by the person who applies the plan. */
export interface PrincipalsApproval {
  readonly kind: 'approval';
  readonly serviceId: string;
  /** The number of removed principals. */
  readonly removals: number;
}

/** Selects the approvals of a plan: one for each service with managed principals, even without a difference. */
export function principalApprovals(changes: readonly PolicyChange[]): PrincipalsApproval[] {
  const applicable = changes.filter(isApplicable);
  const managed = applicable.flatMap((change) =>
    (change.kind === 'service' && change.after?.principals === 'managed') || change.kind === 'principal'
      ? change.serviceId
      : [],
  );
  return [...new Set(managed)].map((serviceId) => {
    const rows = applicable.filter((change) => change.kind === 'principal' && change.serviceId === serviceId);
    return { kind: 'approval', serviceId, removals: rows.filter(({ action }) => action === 'remove').length };
  });
}

/** @throws StalePlanError if the service is no longer registered. */
export async function approvePrincipalsStep(
  { serviceId, removals }: PrincipalsApproval,
  deps: ApplyStepDeps,
): Promise<StepResult> {
  const before = await serviceEntity.find(serviceKey(serviceId), deps.table);
  if (!before) throw new StalePlanError([`service ${serviceId}`]);
  const service = approvePrincipals(before, deps.caller, deps.now(), removals);
  const version = service.version + 1;
  return { ...emptyStep, writes: [serviceEntity.put({ ...service, version }, before)] };
}

/**
 * Prepares a change up to its own write. Every step is idempotent. A change that the table already contains counts as applied.
 * @param changes all changes of the plan.
 * @throws StalePlanError, and the errors of registering a service and setting a customer
 */
export async function applyChange(
  change: ItemChange,
  changes: readonly ItemChange[],
  deps: ApplyStepDeps,
): Promise<StepResult> {
  const key = changeKey(change);
  const [item] = await deps.table.get([key]);
  if (isAlreadyApplied(change, item)) return emptyStep;
  if (plannedVersion(change, item) !== change.version) throw new StalePlanError([describeChange(change)]);
  const author = { by: deps.caller, now: deps.now() };
  switch (change.kind) {
    case 'entry':
      return { ...emptyStep, writes: [entryWrite(change, author)] };
    case 'group':
      return applyGroupStep(change, item, author, deps);
    case 'customer':
      return applyCustomerStep(change, changes, deps);
    case 'service':
      return applyServiceStep(change, item, author, deps);
    default:
      throw change satisfies never;
  }
}

/** Builds the conditional write of an entry's change. */
export function entryWrite(change: ChangeOfKind<'entry'>, author: ChangeAuthor): Write {
  const entry = applyEntryChange(change, author);
  if (entry) return allowlistEntryEntity.put(entry, change);
  return { remove: entryKey(change.serviceId, change.accountId), expected: change.version };
}

/** Returns the version of an item for a plan. */
function plannedVersion({ kind }: ItemChange, item: Item | undefined): number {
  if (!item) return 0;
  return kind === 'service' ? readService(item).policyRevision : item.version;
}

function removeItem(item: Item | undefined): Write {
  if (!item) throw new Error('there is nothing to remove');
  return { remove: { pk: item.pk, sk: item.sk }, expected: item.version };
}

/**
 * Subscribes e-mail addresses before the write, so that an apply repeats this step after a crash. Customers follow the same
 * order.
 */
async function applyGroupStep(
  change: ChangeOfKind<'group'>,
  item: Item | undefined,
  author: ChangeAuthor,
  deps: ApplyStepDeps,
): Promise<StepResult> {
  const group = applyGroupChange(change, author);
  const groups = replaceNamed(await listIfAllReadable(listApproverGroups, deps), change.name, group);
  const warnings = await subscribeGroup(group ?? emptyGroup(change.name), groups, deps);
  return { writes: [group ? approverGroupEntity.put(group, item) : removeItem(item)], warnings };
}

async function applyCustomerStep(
  { name, before, after }: ChangeOfKind<'customer'>,
  changes: readonly ItemChange[],
  deps: ApplyStepDeps,
): Promise<StepResult> {
  const { table, now, caller } = deps;
  const contact = after?.contact;
  const isSameContact = isSameSettings(before?.contact, contact);
  const warnings = isSameContact ? [] : await subscribeContact({ name, contact }, await listAfter(), deps);
  // Accounts may move between customers of the file in any order.
  const releasingCustomers = new Set(changes.flatMap((each) => (each.kind === 'customer' ? each.name : [])));
  if (after)
    await setCustomer(name, { ...after, managedBy: 'file' }, caller, { table, now, releasingCustomers });
  else await removeCustomer(name, { table });
  return { writes: [], warnings };

  async function listAfter() {
    const customers = await listIfAllReadable<Pick<Customer, 'name' | 'contact'>>(listCustomers, deps);
    return replaceNamed(customers, name, after && { name, ...after });
  }
}

function replaceNamed<T extends { readonly name: string }>(
  list: readonly T[] | undefined,
  name: string,
  after: T | undefined,
): T[] | undefined {
  return list && [...list.filter((each) => each.name !== name), ...(after ? [after] : [])];
}

async function applyServiceStep(
  change: ChangeOfKind<'service'>,
  item: Item | undefined,
  author: ChangeAuthor,
  deps: ApplyStepDeps,
): Promise<StepResult> {
  const { serviceId, after } = change;
  const before = item && readService(item);
  if (!before) {
    const { warnings } = await registerService({ serviceId, ...after, managedBy: 'file' }, author.by, deps);
    return { writes: [], warnings };
  }
  if (!after) return { writes: [], warnings: await removeService(before, deps) };
  return {
    ...emptyStep,
    writes: [serviceEntity.put(applyServiceChange(before, change, author), item)],
  };
}
