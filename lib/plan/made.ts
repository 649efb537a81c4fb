import { type AllowlistEntry, nextVersion } from '../allowlist/entry.ts';
import type { ApproverGroup } from '../approval/approver-group.ts';
import { awsServiceName, type Place } from '../place.ts';
import type { Service } from '../service/service.ts';
import type { ChangeOf } from './change.ts';

/** Who applies a plan, and when. */
export interface Hand {
  readonly by: string;
  readonly now: Date;
}

/** The entry that a change makes; undefined where it takes it away. */
export function entryMade(
  { serviceId, accountId, after, version }: ChangeOf<'entry'>,
  hand: Hand,
): AllowlistEntry | undefined {
  return (
    after && { ...after, serviceId, accountId, ...signed(hand), version: nextVersion(version, hand.now) }
  );
}

export function groupMade(
  { name, after, version }: ChangeOf<'group'>,
  hand: Hand,
): ApproverGroup | undefined {
  return after && { ...after, name, ...signed(hand), version: version + 1 };
}

/** What a registered service becomes. What linkgate itself remembers of it stays. */
export function serviceMade(before: Service, { after }: ChangeOf<'service'>, hand: Hand): Service {
  const revision = nextVersion(before.revision, hand.now);
  return { ...before, ...after, ...signed(hand), revision, version: before.version + 1 };
}

/** A service as it would be registered, for weighing what would come of it: EC2 was not asked yet. */
export function serviceToCome(
  { serviceId, after, name }: ChangeOf<'service'>,
  place: Place,
  { by, now }: Hand,
): Service {
  const time = now.toISOString();
  return {
    onUnlisted: 'ask',
    approvers: '',
    name,
    ...after,
    serviceId,
    serviceName: awsServiceName(place, serviceId),
    place,
    registeredAt: time,
    registeredBy: by,
    managedBy: 'file',
    topicArn: '',
    acceptanceRequired: true,
    drift: [],
    checkedAt: time,
    revision: now.getTime(),
    version: 1,
  };
}

function signed({ by, now }: Hand) {
  return { managedBy: 'file' as const, changedAt: now.toISOString(), changedBy: by };
}
