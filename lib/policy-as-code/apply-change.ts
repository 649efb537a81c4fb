import { type AllowlistEntry, nextVersion } from '../allowlist/entry.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import { type AccountRegion, awsServiceName } from '../locations/account-region.ts';
import type { Service } from '../services/service.ts';
import type { ChangeOfKind } from './change.ts';

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

/** Builds the service as a registration would store it, for an impact analysis without a call to EC2. */
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
