import { type ApproverGroup, listApproverGroups } from '../approvers/approver-group.ts';
import {
  findSubscription,
  isManagedSubscription,
  type Subscription,
  type Subscriptions,
} from '../channels/email/subscriptions.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import { shellWord } from '../values/shell-word.ts';
import { type Check, type CheckResult, failed, ok, runChecks, warning } from './check.ts';

export interface EmailCheckDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly subscriptions: Subscriptions;
}

/** Checks that each address of each group receives its emails, and that no other address receives them. */
export async function checkEmail(deps: EmailCheckDeps): Promise<Check[]> {
  let groups: readonly ApproverGroup[];
  let subscriptions: readonly Subscription[];
  try {
    [groups, subscriptions] = await Promise.all([listApproverGroups(deps), deps.subscriptions.list()]);
  } catch (error) {
    return runChecks('email', null, { 'unmanaged-email-subscriptions': () => Promise.reject(error) }, deps);
  }
  const groupsByAddress = new Map(
    groups.flatMap((group) => group.emails.map((address) => [address, group] as const)),
  );
  const checks = await Promise.all([
    runChecks(
      'email',
      null,
      {
        'unmanaged-email-subscriptions': () =>
          checkUnmanagedSubscriptions([...groupsByAddress.keys()], subscriptions),
      },
      deps,
    ),
    ...[...groupsByAddress].map(([address, group]) =>
      runChecks(
        'email',
        address,
        {
          'email-subscription': () => checkEmailSubscription(findSubscription(address, subscriptions), group),
        },
        deps,
      ),
    ),
  ]);
  return checks.flat();
}

function checkEmailSubscription(subscription: Subscription | undefined, group: ApproverGroup): CheckResult {
  const again = setGroupCommand(group);
  if (!subscription)
    return failed(`the address is in the group ${group.name} and has no subscription`, again);
  if (subscription.arn === undefined)
    return warning(
      'the recipient has not confirmed the subscription, so SNS sends no email',
      `the recipient confirms in the email from AWS Notifications, within two days. To send it again:\n${again}`,
    );
  return isManagedSubscription(subscription)
    ? ok('SNS sends only its own emails')
    : failed('the subscription has no filter policy, so the address receives the links of others', again);
}

/** Checks unmanaged subscriptions, because every recipient of an email can decide by its links. */
function checkUnmanagedSubscriptions(
  groupAddresses: readonly string[],
  subscriptions: readonly Subscription[],
): CheckResult {
  const unmanagedSubscriptions = subscriptions.filter(
    (each) =>
      each.arn !== undefined &&
      !isManagedSubscription(each) &&
      !groupAddresses.some((address) => findSubscription(address, [each])),
  );
  return unmanagedSubscriptions.length === 0
    ? ok('no other address receives approval links')
    : failed(
        `these addresses receive all approval links, and can decide with them: ${unmanagedSubscriptions.map(({ address }) => address).join(', ')}`,
        unmanagedSubscriptions.map(({ arn }) => `aws sns unsubscribe --subscription-arn ${arn}`).join('\n'),
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
