import type { ApproverGroup } from '../../approvers/approver-group.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type Subscriptions, subscribeAddresses } from './subscriptions.ts';

interface SubscribeGroupDeps extends Pick<Runtime, 'reportError'> {
  readonly subscriptions: Subscriptions;
}

/**
 * Has the addresses of a group subscribed to the topic on which approvers are written to; each is sent its own messages only,
 * since they hold links that decide.
 * @param groups all of them: an address that none names is unsubscribed; undefined where one cannot be read.
 * @returns what a person should know.
 */
export function subscribeGroup(
  { name, emails }: ApproverGroup,
  groups: readonly ApproverGroup[] | undefined,
  { subscriptions, reportError }: SubscribeGroupDeps,
): Promise<string[]> {
  const addressesInUse = groups?.flatMap((group) => group.emails);
  const remedy = `set the group ${name} again, or see \`linkgate doctor\``;
  return subscribeAddresses(emails, addressesInUse, { subscriptions, reportError, remedy });
}
