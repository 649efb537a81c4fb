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

/** The entry after a change. Undefined if the change removes it. */
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

/** A registered service after a change. linkgate's own attributes stay. */
export function applyServiceChange(
  before: Service,
  { after }: ChangeOfKind<'service'>,
  author: ChangeAuthor,
): Service {
  const policyRevision = nextVersion(before.policyRevision, author.now);
  return { ...before, ...after, ...withAuthor(author), policyRevision, version: before.version + 1 };
}

/** A service as it would be registered, for an impact analysis without a call to EC2. */
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
