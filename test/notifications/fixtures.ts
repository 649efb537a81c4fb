import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import type { ApproverGroup } from '../../lib/approvers/approver-group.ts';
import type { ApprovalRequest } from '../../lib/connections/approval-request.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import type { NotificationTarget } from '../../lib/notifications/notification.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import type { NotifyInSlackDeps } from '../../lib/notifications/notify-deps.ts';
import { type Service, serviceItem } from '../../lib/services/service.ts';
import { aRecord, aService, aVerdict, endpointId, noon, secondsAfterNoon } from '../builders.ts';
import { fakeSlack } from '../doubles/fake-slack.ts';
import { sentMails } from '../doubles/sent-mails.ts';
import { createTestEnv } from '../doubles/test-env.ts';

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
export function anApprovalRequest(approvalRequest: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    group: 'default',
    since: noon.toISOString(),
    deadline: secondsAfterNoon(4 * anHour).toISOString(),
    version: 0,
    stage: 'approval-requested',
    ...approvalRequest,
  };
}

/** A request that people were asked about. */
export function anAskedRecord(number = 1, record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return aRecord({
    endpointId: endpointId(number),
    verdict: aVerdict('ask'),
    approvalRequest: anApprovalRequest(),
    ...record,
  });
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
  const world = createTestEnv({ services, records, groups, entries });
  const slack = fakeSlack();
  const post = sentMails();
  const deps: NotifyInSlackDeps = { ...world.deps, slack: slack.api, mails: post.mails, linkTo: post.linkTo };
  const subjects: readonly NotificationTarget[] = records.map((record) => ({
    endpointId: record.endpointId,
  }));
  return {
    world,
    slack,
    post,
    deps,
    subjects,
    tell: (told = subjects, changed: Partial<NotifyInSlackDeps> = {}) =>
      notifyApprovers(told, { ...deps, ...changed }),
  };
}

/** The same, where people were told, and now the service asks another group, in another channel. */
export async function aWorldWhoseServiceAsksOthers() {
  const others = aGroup({ name: 'network', slackChannel: otherChannel, emails: ['bob@example.com'] });
  const told = aWorldThatTells({ groups: [aGroup(), others] });
  await told.tell();
  const record = await told.world.record(endpointId(1));
  const moved = anAskedRecord(1, { ...record, approvalRequest: anApprovalRequest({ group: 'network' }) });
  told.world.put(serviceItem(aService({ approvers: 'network' })), recordItem(moved));
  return told;
}
