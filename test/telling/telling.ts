import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import type { ApproverGroup } from '../../lib/approval/approver-group.ts';
import type { Asking } from '../../lib/approval/asking.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connection/connection-record.ts';
import { type Service, serviceItem } from '../../lib/service/service.ts';
import type { Subject } from '../../lib/telling/notice.ts';
import { tellApprovers } from '../../lib/telling/tell-approvers.ts';
import type { TellingInSlack } from '../../lib/telling/telling.ts';
import { aRecord, aService, aVerdict, endpointId, noon, secondsAfterNoon } from '../builders.ts';
import { sentMails } from '../doubles/sent-mails.ts';
import { shownSlack } from '../doubles/shown-slack.ts';
import { aWorld } from '../doubles/world.ts';

export const channel = 'C01APPROVALS';
export const otherChannel = 'C01NETWORK';
export const alicesMail = 'alice@example.com';
const anHour = 3600;

/** A group that is told in Slack and by mail. */
export function aGroup(group: Partial<ApproverGroup> = {}): ApproverGroup {
  return {
    name: 'default',
    quorum: 1,
    slackChannel: channel,
    slackUsers: [{ team: 'T01LOCAL', user: 'U01ALICE' }],
    emails: [alicesMail],
    version: 1,
    ...group,
  };
}

/** People have four hours from noon. */
export function anAsking(asking: Partial<Asking> = {}): Asking {
  return {
    group: 'default',
    since: noon.toISOString(),
    deadline: secondsAfterNoon(4 * anHour).toISOString(),
    version: 0,
    stage: 'asked',
    ...asking,
  };
}

/** A request that people were asked about. */
export function anAskedRecord(number = 1, record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return aRecord({ endpointId: endpointId(number), verdict: aVerdict('ask'), asking: anAsking(), ...record });
}

interface Contents {
  readonly records?: readonly ConnectionRecord[];
  readonly groups?: readonly ApproverGroup[];
  readonly services?: readonly Service[];
  readonly entries?: readonly AllowlistEntry[];
}

/** A world in which approvers are told, with what they see. */
export function aWorldThatTells({
  records = [anAskedRecord()],
  groups = [aGroup()],
  services = [aService()],
  entries = [],
}: Contents = {}) {
  const world = aWorld({ services, records, groups, entries });
  const slack = shownSlack();
  const post = sentMails();
  const deps: TellingInSlack = { ...world.deps, slack: slack.api, mails: post.mails, linkTo: post.linkTo };
  const subjects: readonly Subject[] = records.map((record) => ({ endpointId: record.endpointId }));
  return {
    world,
    slack,
    post,
    deps,
    subjects,
    tell: (told = subjects, changed: Partial<TellingInSlack> = {}) =>
      tellApprovers(told, { ...deps, ...changed }),
  };
}

/** The same, where people were told, and now the service asks another group, in another channel. */
export async function aWorldWhoseServiceAsksOthers() {
  const others = aGroup({ name: 'network', slackChannel: otherChannel, emails: ['bob@example.com'] });
  const told = aWorldThatTells({ groups: [aGroup(), others] });
  await told.tell();
  const record = await told.world.record(endpointId(1));
  const moved = anAskedRecord(1, { ...record, asking: anAsking({ group: 'network' }) });
  told.world.put(serviceItem(aService({ approvers: 'network' })), recordItem(moved));
  return told;
}
