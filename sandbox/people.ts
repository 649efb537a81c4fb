import { callLinkgate } from './linkgate-api.ts';
import { provider } from './places.ts';

/** The group `default`: who may decide in every sandbox. */
const approvers = {
  slackChannel: 'C01APPROVALS',
  slackUsers: [
    { team: 'T01LOCAL', user: 'U01ALICE' },
    { team: 'T01LOCAL', user: 'U01BOB' },
  ],
  emails: ['approver@example.com'],
  quorum: 1,
};

interface Groups {
  readonly groups: readonly { readonly name: string; readonly changedAt?: string }[];
}

/** Names the approvers where nobody has; what somebody set in an earlier run stays. */
export async function nameApprovers(apiUrl: string): Promise<void> {
  const { groups } = (await callLinkgate(apiUrl, provider.accountId, 'GET', '/approvers')) as Groups;
  if (groups.some(({ name, changedAt }) => name === 'default' && changedAt !== undefined)) return;
  await callLinkgate(apiUrl, provider.accountId, 'PUT', '/approvers/default', approvers);
}
