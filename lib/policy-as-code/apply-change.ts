import { type AllowlistEntry, entryItem, nextVersion } from '../allowlist/entry.ts';
import { type ApproverGroup, groupItem } from '../approvers/approver-group.ts';
import { customerItem } from '../customers/customer.ts';
import { type AccountRegion, awsServiceName } from '../locations/account-region.ts';
import { readService, type Service, serviceItem } from '../services/service.ts';
import { formatKey } from '../storage/entity.ts';
import type { Item } from '../storage/table.ts';
import { type ChangeOfKind, changeKey, type ItemChange, isApplicable, type PolicyChange } from './change.ts';
import type { ItemOverlay } from './overlay-table.ts';

/** The author and time of an applied plan. */
export interface ChangeAuthor {
  readonly by: string;
  readonly now: Date;
}

/** Builds the entry after a change; undefined if the change removes it. */
export function applyEntryChange(
  { serviceId, accountId, after, version }: ChangeOfKind<'entry'>,
  author: ChangeAuthor,
): AllowlistEntry | undefined {
  return (
    after && {
      ...after,
      serviceId,
      accountId,
      ...withAuthor(author),
      version: nextVersion(version, author.now),
    }
  );
}

export function applyGroupChange(
  { name, after, version }: ChangeOfKind<'group'>,
  author: ChangeAuthor,
): ApproverGroup | undefined {
  return after && { ...after, name, ...withAuthor(author), version: version + 1 };
}

/** Builds the service after a change, and keeps linkgate's own attributes. */
export function applyServiceChange(
  before: Service,
  { after }: ChangeOfKind<'service'>,
  author: ChangeAuthor,
): Service {
  const policyRevision = nextVersion(before.policyRevision, author.now);
  return { ...before, ...after, ...withAuthor(author), policyRevision, version: before.version + 1 };
}

/** Builds the service after a change, without a call to EC2 for a new one. */
export function previewChangedService(
  change: ChangeOfKind<'service'>,
  before: Service | undefined,
  author: ChangeAuthor,
  hub: AccountRegion,
): Service {
  if (before) return applyServiceChange(before, change, author);
  const { serviceId, after, name } = change;
  const time = author.now.toISOString();
  return {
    onUnlisted: 'ask',
    approvers: '',
    name,
    ...after,
    serviceId,
    serviceName: awsServiceName(hub, serviceId),
    location: hub,
    registeredAt: time,
    registeredBy: author.by,
    managedBy: 'file',
    topicArn: '',
    acceptanceRequired: true,
    drift: [],
    checkedAt: time,
    policyRevision: author.now.getTime(),
    version: 1,
  };
}

/** Builds the overlay of all changes that write an item. */
export function overlayChanges(
  changes: readonly PolicyChange[],
  author: ChangeAuthor,
  hub: AccountRegion,
): ItemOverlay {
  return new Map(
    changes.flatMap((change) =>
      change.kind !== 'principal' && isApplicable(change)
        ? [[formatKey(changeKey(change)), (stored) => previewChangedItem(change, stored, author, hub)]]
        : [],
    ),
  );
}

/**
 * Builds the item after a change, with the settings that the plan contains; undefined if the change removes it.
 * @param stored undefined also for a registered service whose own attributes do not matter.
 * @throws MalformedItemError if the table cannot store it.
 */
export function previewChangedItem(
  change: ItemChange,
  stored: Item | undefined,
  author: ChangeAuthor,
  hub: AccountRegion,
): Item | undefined {
  if (!change.after) return undefined;
  switch (change.kind) {
    case 'entry': {
      const entry = applyEntryChange(change, author);
      return entry && entryItem(entry);
    }
    case 'group': {
      const group = applyGroupChange(change, author);
      return group && groupItem(group);
    }
    case 'customer': {
      const { name, after } = change;
      return customerItem({ ...after, name, ...withAuthor(author), version: 1 });
    }
    case 'service':
      return serviceItem(previewChangedService(change, stored && readService(stored), author, hub));
    default:
      throw change satisfies never;
  }
}

function withAuthor({ by, now }: ChangeAuthor) {
  return { managedBy: 'file' as const, changedAt: now.toISOString(), changedBy: by };
}
