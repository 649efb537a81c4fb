import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import { requestTarget } from '../../lib/approvals/digest.ts';
import type { ApproverGroup } from '../../lib/approvers/approver-group.ts';
import type { ApprovalRequest } from '../../lib/connections/approval-request.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import type { NotifyInSlackDeps } from '../../lib/notifications/notify-deps.ts';
import { enqueueDueRetries, type NotificationTarget } from '../../lib/outbox/notification.ts';
import { type Service, serviceItem } from '../../lib/services/service.ts';
import { aRecord, aService, aVerdict, endpointId, noon, secondsAfterNoon } from '../builders.ts';
import { fakeEmailSender } from '../doubles/fake-email-sender.ts';
import { fakeSlack } from '../doubles/fake-slack.ts';
import { createTestEnv } from '../doubles/test-env.ts';

export const channel = 'C01APPROVALS';
export const otherChannel = 'C01NETWORK';
export const aliceEmail = 'alice@example.com';
const anHour = 3600;

/** A group with a Slack channel and an email address. */
export function aGroup(group: Partial<ApproverGroup> = {}): ApproverGroup {
  return {
    name: 'default',
    quorum: 1,
    slackChannel: channel,
    slackUsers: [{ team: 'T01LOCAL', user: 'U01ALICE' }],
    emails: [aliceEmail],
    version: 1,
    ...group,
  };
}

/** An approval request with a deadline four hours after noon. */
export function anApprovalRequest(approvalRequest: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    group: 'default',
    requestedAt: noon.toISOString(),
    deadline: secondsAfterNoon(4 * anHour).toISOString(),
    version: 0,
    stage: 'approval-requested',
    ...approvalRequest,
  };
}

/** A request that awaits approval. */
export function anAwaitingRecord(number = 1, record: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return aRecord({
    endpointId: endpointId(number),
    verdict: aVerdict('ask'),
    approvalRequest: anApprovalRequest(),
    ...record,
  });
}

interface NotifyTestEnvContents {
  readonly records?: readonly ConnectionRecord[];
  readonly groups?: readonly ApproverGroup[];
  readonly services?: readonly Service[];
  readonly entries?: readonly AllowlistEntry[];
}

/** A test environment for approver notifications, with Slack and email doubles. */
export function createNotifyTestEnv({
  records = [anAwaitingRecord()],
  groups = [aGroup()],
  services = [aService()],
  entries = [],
}: NotifyTestEnvContents = {}) {
  const env = createTestEnv({ services, records, groups, entries });
  const slack = fakeSlack();
  const email = fakeEmailSender();
  const deps: NotifyInSlackDeps = {
    ...env.deps,
    slack: slack.api,
    emailSender: email.mails,
    publishToOperations: email.publishToOperations,
    createApprovalLink: email.linkTo,
  };
  const subjects = records.map((record) => requestTarget(record.endpointId));
  const notify = (
    targets: readonly NotificationTarget[] = subjects,
    changed: Partial<NotifyInSlackDeps> = {},
  ) => notifyApprovers(targets, { ...deps, ...changed });
  return {
    env,
    slack,
    post: email,
    deps,
    subjects,
    notify,
    /** Delivers what is enqueued with a delay below a minute, second by second. */
    async settle() {
      for (let second = 0; second < 60 && env.queuedNotifications.length > 0; second++) {
        const queued = env.queuedNotifications.splice(0);
        env.advanceSeconds(1);
        const isDue = ({ afterSeconds = 0 }: { afterSeconds?: number }) => afterSeconds <= 1;
        env.queuedNotifications.push(
          ...queued
            .filter((each) => !isDue(each))
            .map(({ afterSeconds = 0, ...target }) => ({ ...target, afterSeconds: afterSeconds - 1 })),
        );
        await notify(queued.filter(isDue).map(({ kind, id }) => ({ kind, id })));
      }
    },
    /** Waits, and delivers what the schedule finds each minute. */
    async waitMinutes(minutes: number) {
      for (let minute = 0; minute < minutes; minute++) {
        env.advanceSeconds(60);
        await enqueueDueRetries({ ...env.deps, ...deps });
        await notify(env.queuedNotifications.splice(0).map(({ kind, id }) => ({ kind, id })));
      }
    },
  };
}

/** Creates the environment after a notification and a change of the service to another group in another channel. */
export async function createEnvWithChangedGroup() {
  const otherGroup = aGroup({ name: 'network', slackChannel: otherChannel, emails: ['bob@example.com'] });
  const testEnv = createNotifyTestEnv({ groups: [aGroup(), otherGroup] });
  await testEnv.notify();
  const record = await testEnv.env.record(endpointId(1));
  const moved = anAwaitingRecord(1, { ...record, approvalRequest: anApprovalRequest({ group: 'network' }) });
  testEnv.env.put(serviceItem(aService({ approvers: 'network' })), recordItem(moved));
  return testEnv;
}
