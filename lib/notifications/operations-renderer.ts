import { hashContent } from '../approvals/content-hash.ts';
import { findOperationsNotice, operationsNoticeKey } from '../approvers/operations-notice.ts';
import { findOperationsRecipients } from '../approvers/operations-recipients.ts';
import { operationsEmail } from '../channels/email/operations-email.ts';
import type { SlackMessage } from '../channels/slack/blocks.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { operationsMessage } from '../channels/slack/operations-message.ts';
import type { Renderer } from '../outbox/content.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** The name under which linkgate records an error of the channel. An approver group cannot have it. */
export const operationsThrottleName = '#operations';
/** The operations topic counts as one address: SNS delivers one publication to all its subscribers. */
const topicAddress = '#operations-topic';

/** Renders a change for those who operate linkgate: one message in the channel, and one publication for each state. */
export function createOperationsRenderer({
  table,
  publishToOperations,
}: Pick<NotifyDeps, 'table' | 'publishToOperations'>): Renderer<SlackMessage> {
  return {
    async load(id) {
      const notice = await findOperationsNotice(operationsNoticeKey(id), table);
      if (!notice) return undefined;
      const { slackChannel, emails } = await findOperationsRecipients(table);
      const message = operationsMessage(notice);
      const contentHash = hashContent(message);
      return {
        contentHash,
        generation: '',
        isOpen: !notice.isOver,
        ...(slackChannel !== undefined && {
          slack: {
            group: operationsThrottleName,
            channel: slackChannel,
            render: async () => message,
            renderOutdated: (channel: string) => movedToOtherChannelMessage(notice.title, channel),
          },
        }),
        emails: [
          {
            address: topicAddress,
            version: contentHash,
            send: () => publishToOperations(operationsEmail(notice), emails),
          },
        ],
        ...(notice.expiresAt !== undefined && { expiresAt: notice.expiresAt }),
      };
    },
  };
}
