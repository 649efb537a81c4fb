import { provider, stage } from './accounts.ts';
import type { AwsEmulator } from './aws-emulator.ts';
import { callLinkgate } from './linkgate-api.ts';

/** The approver group `default` of each sandbox. */
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

/** Writes the secrets of the sandbox's Slack to SSM, unless an earlier run did. */
export function seedSlackSecrets({ slack, ssm }: AwsEmulator): void {
  const { signingSecret, botToken } = slack.credentials;
  for (const [name, value] of [
    ['signing-secret', signingSecret],
    ['bot-token', botToken],
  ] as const) {
    const parameter = { name: `/linkgate/${stage}/slack/${name}`, value, type: 'SecureString' } as const;
    if (!ssm.has(provider, parameter.name)) ssm.put(provider, parameter);
  }
}

/** Sets the approver group `default` and the channel of operations notices, unless an earlier run did. */
export async function seedApprovers(apiUrl: string, { mails }: AwsEmulator): Promise<void> {
  const { groups } = (await callLinkgate(apiUrl, provider.accountId, 'GET', '/approvers')) as Groups;
  if (groups.some(({ name, changedAt }) => name === 'default' && changedAt !== undefined)) return;
  await callLinkgate(apiUrl, provider.accountId, 'PUT', '/operations', { slackChannel: 'C01OPS' });
  await callLinkgate(apiUrl, provider.accountId, 'PUT', '/approvers/default', approvers);
  // Confirm the subscriptions, and remove the confirmation emails from the inbox.
  for (const { text } of mails.list(0)) await fetch(/^http\S+$/m.exec(text)?.[0] ?? '');
  mails.clear();
}
