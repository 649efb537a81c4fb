import {
  findOperationsRecipients,
  type OperationsSettings,
  setOperationsCommand,
} from '../approvers/operations-recipients.ts';
import { findSubscription, type Subscriptions } from '../channels/email/subscriptions.ts';
import { type Check, type CheckOutput, fail, pass, warn } from '../checks/check.ts';
import type { Table } from '../storage/table.ts';

export interface OperationsCheckDeps {
  readonly table: Table;
  readonly operationsSubscriptions: Subscriptions;
}

export const operationsChecks: readonly Check<OperationsCheckDeps>[] = [
  { id: 'operations-notices', title: 'operations notices have a recipient', run: checkRecipients },
  {
    id: 'operations-subscription',
    title: 'each address has a confirmed subscription',
    run: checkOperationsSubscriptions,
  },
];

/** Checks that a channel, an address or another subscriber of the topic receives operations notices. */
async function checkRecipients({
  table,
  operationsSubscriptions,
}: OperationsCheckDeps): Promise<CheckOutput> {
  const { slackChannel, emails } = await findOperationsRecipients(table);
  if (slackChannel !== undefined || emails.length > 0) return true;
  const subscribers = await operationsSubscriptions.list();
  return (
    subscribers.some(({ arn }) => arn !== undefined) ||
    warn('operations notices go nowhere', setOperationsCommand)
  );
}

async function checkOperationsSubscriptions({
  table,
  operationsSubscriptions,
}: OperationsCheckDeps): Promise<CheckOutput> {
  const recipients = await findOperationsRecipients(table);
  if (recipients.emails.length === 0) return [];
  const subscriptions = await operationsSubscriptions.list();
  const again = repeatCommand(recipients);
  return recipients.emails.map((address) => {
    const subscription = findSubscription(address, subscriptions);
    if (!subscription) return { subject: address, ...fail('the address has no subscription', again) };
    const result =
      subscription.arn === undefined
        ? warn(
            'the recipient has not confirmed the subscription, so SNS sends no email',
            `the recipient confirms in the email from AWS Notifications, within two days. To send it again:\n${again}`,
          )
        : pass('SNS sends operations notices');
    return { subject: address, ...result };
  });
}

/** Builds the command that sets the recipients unchanged and subscribes their addresses again. */
function repeatCommand({ slackChannel, emails }: OperationsSettings): string {
  return [
    'linkgate operations set',
    ...(slackChannel === undefined ? [] : [`--slack-channel ${slackChannel}`]),
    ...emails.map((address) => `--email ${address}`),
  ].join(' ');
}
