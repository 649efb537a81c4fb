import { loadApprovalViews } from '../approvals/approval-view.ts';
import { computeContentHash } from '../approvals/content-hash.ts';
import { findDigestId, requestGeneration } from '../approvals/digest.ts';
import { requestEmail } from '../channels/email/request-email.ts';
import type { SlackMessage } from '../channels/slack/blocks.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { reminderText } from '../channels/slack/reminder.ts';
import { requestMessage } from '../channels/slack/request-message.ts';
import { escalationStages } from '../connections/approval-request.ts';
import { connectionEntity, isAwaitingApproval, recordKey } from '../connections/connection-record.ts';
import type { EmailToSend, Renderer, SlackContent } from '../outbox/content.ts';
import type { Notification } from '../outbox/notification.ts';
import { ttlInDays } from '../storage/ttl.ts';
import { advanceNotifiedStage } from './advance-stage.ts';
import { approvalLinks, emailStage, selectAddresses } from './approval-emails.ts';
import { type ApprovalTarget, escalationGroup, hasApprovalRequest, isEscalated } from './awaiting-record.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** Renders one approval request and its outcome for approvers. */
export function createRequestRenderer(deps: NotifyDeps): Renderer<SlackMessage> {
  return {
    async load(endpointId, received) {
      const request = await loadRequest(endpointId, received, deps);
      if (!request || !(request.group.slackChannel ?? request.group.emails[0])) return undefined;
      const { record } = request;
      const slack = renderRequestInSlack(request, received, deps);
      return {
        contentHash: computeContentHash(record),
        generation: requestGeneration(record),
        isOpen: isAwaitingApproval(record),
        ...(slack && { slack }),
        emails: isAwaitingApproval(record) ? renderRequestEmails(request, deps) : [],
        ...(record.endedAt !== undefined && { expiresAt: ttlInDays(deps.now(), 1) }),
      };
    },
  };
}

/** Loads a request outside digests, and records its current stage. */
async function loadRequest(
  endpointId: string,
  received: Notification,
  deps: NotifyDeps,
): Promise<ApprovalTarget | undefined> {
  const stored = await connectionEntity.find(recordKey(endpointId), deps.table);
  if (!hasApprovalRequest(stored) || findDigestId(stored, received) !== undefined) return undefined;
  const [view] = await loadApprovalViews([stored], deps);
  if (!view) return undefined;
  const behind = await escalationGroup(view.group, deps);
  const record = await advanceNotifiedStage(stored, view.service, behind, deps);
  if (!record) return undefined;
  return { ...view, record, escalation: isEscalated(record.approvalRequest.stage) ? behind : undefined };
}

function renderRequestInSlack(
  request: ApprovalTarget,
  { message }: Notification,
  { now }: NotifyDeps,
): SlackContent<SlackMessage> | undefined {
  const { record, group, escalation } = request;
  const { version, deadline, stage } = record.approvalRequest;
  const channel = group.slackChannel ?? message?.channel;
  if (channel === undefined) return undefined;
  const isReminded = isAwaitingApproval(record) && stage !== escalationStages[0];
  const otherChannel = escalation?.slackChannel;
  return {
    group: group.name,
    channel,
    render: async () => requestMessage(request, now()),
    renderOutdated: (current) => movedToOtherChannelMessage(record.endpointId, current),
    ...(isReminded && {
      reply: {
        id: `${version}#${deadline}#${stage}`,
        text: reminderText(request, escalation, now()),
        ...(otherChannel !== undefined && { otherChannel }),
      },
    }),
  };
}

function renderRequestEmails(request: ApprovalTarget, deps: NotifyDeps): EmailToSend[] {
  const { record, group, escalation } = request;
  const { version, stage } = record.approvalRequest;
  return selectAddresses(group, escalation).map((address) => ({
    address,
    version: `${version}#${emailStage(stage)}`,
    send: async () => {
      const links = group.emails.includes(address) ? await approvalLinks(request, address, deps) : undefined;
      await deps.emailSender.send(address, requestEmail(request, links, deps.now()));
    },
  }));
}
