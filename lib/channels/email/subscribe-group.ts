import type { ApproverGroup } from '../../approvers/approver-group.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type Subscriptions, subscribeAddresses } from './subscriptions.ts';

interface SubscribeGroupDeps extends Pick<Runtime, 'reportError'> {
  readonly subscriptions: Subscriptions;
}

/**
 * Subscribes the addresses of a group to the approvals topic. A filter policy limits each address to its own e-mails, because
 * their links decide.
 * @param groups all groups, whose addresses stay subscribed; undefined if a group is unreadable
 * @returns warnings for the caller
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
