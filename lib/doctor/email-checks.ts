import type { ApproverGroup } from '../approvers/approver-group.ts';
import {
  findSubscription,
  isManagedSubscription,
  type Subscription,
} from '../channels/email/subscriptions.ts';
import { type Check, type CheckOutput, type CheckResult, fail, pass, warn } from '../checks/check.ts';
import { shellWord } from '../values/shell-word.ts';

export interface EmailCheckDeps {
  readonly readGroups: () => Promise<readonly ApproverGroup[]>;
  readonly readSubscriptions: () => Promise<readonly Subscription[]>;
}

export const emailChecks: readonly Check<EmailCheckDeps>[] = [
  {
    id: 'unmanaged-email-subscriptions',
    title: 'no other address receives approval links',
    run: checkUnmanagedSubscriptions,
  },
  {
    id: 'email-subscription',
    title: 'each address of a group receives its emails',
    run: async ({ readGroups, readSubscriptions }) => {
      const subscriptions = await readSubscriptions();
      return [...groupByAddress(await readGroups())].map(([address, group]) => ({
        subject: address,
        ...checkEmailSubscription(findSubscription(address, subscriptions), group),
      }));
    },
  },
];

function groupByAddress(groups: readonly ApproverGroup[]): Map<string, ApproverGroup> {
  return new Map(groups.flatMap((group) => group.emails.map((address) => [address, group] as const)));
}

function checkEmailSubscription(subscription: Subscription | undefined, group: ApproverGroup): CheckResult {
  const again = setGroupCommand(group);
  if (!subscription) return fail(`the address is in the group ${group.name} and has no subscription`, again);
  if (subscription.arn === undefined) return warnUnconfirmed(again);
  return isManagedSubscription(subscription)
    ? pass('SNS sends only its own emails')
    : fail('the subscription has no filter policy, so the address receives the links of others', again);
}

/** @param again the command that sends the confirmation email again. */
export function warnUnconfirmed(again: string): CheckResult {
  return warn(
    'the recipient has not confirmed the subscription, so SNS sends no email',
    `the recipient confirms in the email from AWS Notifications, within two days. To send it again:\n${again}`,
  );
}

/** Checks unmanaged subscriptions, because every recipient of an email can decide by its links. */
async function checkUnmanagedSubscriptions(deps: EmailCheckDeps): Promise<CheckOutput> {
  const addresses = [...groupByAddress(await deps.readGroups()).keys()];
  const unmanagedSubscriptions = (await deps.readSubscriptions()).filter(
    (each) =>
      each.arn !== undefined &&
      !isManagedSubscription(each) &&
      !addresses.some((address) => findSubscription(address, [each])),
  );
  return (
    unmanagedSubscriptions.length === 0 ||
    fail(
      `these addresses receive all approval links, and can decide with them: ${unmanagedSubscriptions.map(({ address }) => address).join(', ')}`,
      unmanagedSubscriptions.map(({ arn }) => `aws sns unsubscribe --subscription-arn ${arn}`).join('\n'),
    )
  );
}

/** Builds the command that sets a group unchanged and subscribes its addresses again. */
function setGroupCommand({
  name,
  quorum,
  slackChannel,
  slackUsers,
  emails,
  decisionChannels,
  escalateTo,
}: ApproverGroup) {
  return [
    `linkgate approvers set ${shellWord(name)}`,
    ...(slackChannel === undefined ? [] : [`--slack-channel ${slackChannel}`]),
    ...slackUsers.map(({ team, user }) => `--slack-user ${team}:${user}`),
    ...emails.map((address) => `--email ${address}`),
    `--quorum ${quorum}`,
    ...(decisionChannels === undefined ? [] : [`--decision-channels ${decisionChannels}`]),
    ...(escalateTo === undefined ? [] : [`--escalate-to ${escalateTo}`]),
  ].join(' ');
}
