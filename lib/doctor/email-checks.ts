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

/** Whether each address of each group is sent its mails, and nobody those of others. */
export async function checkEmail(deps: EmailCheckDeps): Promise<Check[]> {
  let groups: readonly ApproverGroup[];
  let found: readonly Subscription[];
  try {
    [groups, found] = await Promise.all([listApproverGroups(deps), deps.subscriptions.list()]);
  } catch (error) {
    return runChecks('mail', null, { 'mail-strangers': () => Promise.reject(error) }, deps);
  }
  const namedIn = new Map(
    groups.flatMap((group) => group.emails.map((address) => [address, group] as const)),
  );
  const checks = await Promise.all([
    runChecks(
      'mail',
      null,
      { 'mail-strangers': () => checkUnmanagedSubscriptions([...namedIn.keys()], found) },
      deps,
    ),
    ...[...namedIn].map(([address, group]) =>
      runChecks(
        'mail',
        address,
        { 'mail-subscription': () => checkEmailSubscription(findSubscription(address, found), group) },
        deps,
      ),
    ),
  ]);
  return checks.flat();
}

function checkEmailSubscription(subscription: Subscription | undefined, group: ApproverGroup): CheckResult {
  const again = setGroupCommand(group);
  if (!subscription) return failed(`it is in the group ${group.name}, and is sent no mail`, again);
  if (subscription.arn === undefined)
    return warning(
      'its reader has not confirmed the subscription, so that it is sent no mail',
      `they open the mail from AWS Notifications and confirm. SNS waits two days for it; to have it sent anew:\n${again}`,
    );
  return isManagedSubscription(subscription)
    ? ok('it is sent its own mails')
    : failed('its subscription has no filter policy that keeps the links of others from it', again);
}

/** Whoever gets a mail may decide by its links. */
function checkUnmanagedSubscriptions(named: readonly string[], found: readonly Subscription[]): CheckResult {
  const strangers = found.filter(
    (each) =>
      each.arn !== undefined &&
      !isManagedSubscription(each) &&
      !named.some((address) => findSubscription(address, [each])),
  );
  return strangers.length === 0
    ? ok('nobody else is sent their links')
    : failed(
        `these get everybody's links, and could decide by them: ${strangers.map(({ address }) => address).join(', ')}`,
        strangers.map(({ arn }) => `aws sns unsubscribe --subscription-arn ${arn}`).join('\n'),
      );
}

/** The command that sets a group as it is, which subscribes its addresses again. */
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
