import { type AllowlistEntry, nextVersion } from '../allowlist/entry.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import { type AccountRegion, awsServiceName } from '../locations/account-region.ts';
import type { Service } from '../services/service.ts';
import type { ChangeOfKind } from './change.ts';

/** Who applies a plan, and when. */
export interface ChangeAuthor {
  readonly by: string;
  readonly now: Date;
}

/** The entry that a change makes; undefined where it takes it away. */
export function applyEntryChange(
  { serviceId, accountId, after, version }: ChangeOfKind<'entry'>,
  hand: ChangeAuthor,
): AllowlistEntry | undefined {
  return (
    after && { ...after, serviceId, accountId, ...withAuthor(hand), version: nextVersion(version, hand.now) }
  );
}

export function applyGroupChange(
  { name, after, version }: ChangeOfKind<'group'>,
  hand: ChangeAuthor,
): ApproverGroup | undefined {
  return after && { ...after, name, ...withAuthor(hand), version: version + 1 };
}

/** What a registered service becomes. What linkgate itself remembers of it stays. */
export function applyServiceChange(
  before: Service,
  { after }: ChangeOfKind<'service'>,
  hand: ChangeAuthor,
): Service {
  const policyRevision = nextVersion(before.policyRevision, hand.now);
  return { ...before, ...after, ...withAuthor(hand), policyRevision, version: before.version + 1 };
}

/** A service as it would be registered, for weighing what would come of it: EC2 was not asked yet. */
export function previewService(
  { serviceId, after, name }: ChangeOfKind<'service'>,
  location: AccountRegion,
  { by, now }: ChangeAuthor,
): Service {
  const time = now.toISOString();
  return {
    onUnlisted: 'ask',
    approvers: '',
    name,
    ...after,
    serviceId,
    serviceName: awsServiceName(location, serviceId),
    location,
    registeredAt: time,
    registeredBy: by,
    managedBy: 'file',
    topicArn: '',
    acceptanceRequired: true,
    drift: [],
    checkedAt: time,
    policyRevision: now.getTime(),
    version: 1,
  };
}

function withAuthor({ by, now }: ChangeAuthor) {
  return { managedBy: 'file' as const, changedAt: now.toISOString(), changedBy: by };
}
