import {
  findOperationsRecipients,
  type OperationsSettings,
  setOperationsCommand,
} from '../approvers/operations-recipients.ts';
import { findSubscription, type Subscription, type Subscriptions } from '../channels/email/subscriptions.ts';
import { type Check, type CheckOutput, type CheckResult, fail, pass, warn } from '../checks/check.ts';
import type { Table } from '../storage/table.ts';
import { warnUnconfirmed } from './email-checks.ts';

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
    return { subject: address, ...checkOperationsSubscription(subscription, again) };
  });
}

function checkOperationsSubscription(subscription: Subscription | undefined, again: string): CheckResult {
  if (!subscription) return fail('the address has no subscription', again);
  return subscription.arn === undefined ? warnUnconfirmed(again) : pass('SNS sends operations notices');
}

/** Builds the command that sets the recipients unchanged and subscribes their addresses again. */
function repeatCommand({ slackChannel, emails }: OperationsSettings): string {
  return [
    'linkgate operations set',
    ...(slackChannel === undefined ? [] : [`--slack-channel ${slackChannel}`]),
    ...emails.map((address) => `--email ${address}`),
  ].join(' ');
}
