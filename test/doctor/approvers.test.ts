import { beforeEach, describe, expect, test } from '@jest/globals';
import { type GroupSettings, setGroup } from '../../lib/approvers/approver-group.ts';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import { checkEmail } from '../../lib/doctor/email-checks.ts';
import { checkSlack } from '../../lib/doctor/slack-checks.ts';
import { emptyThrottle, throttleItem } from '../../lib/notifications/throttle.ts';
import { alice, noon } from '../builders.ts';
import { aDeployment } from '../doubles/fake-deployment.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

let env: TestEnv;

const channel = 'C01APPROVALS';
const user = { team: 'T01LOCAL', user: 'U01ALICE' };
const address = 'alice@example.com';
const storedSecrets = { 'slack/bot-token': 'SecureString', 'slack/signing-secret': 'SecureString' };
const own = { arn: 'arn:own', filterAddresses: [address] };

/** A healthy group with a Slack channel and an address. */
beforeEach(async () => {
  env = createTestEnv();
  await set({ slackChannel: channel, slackUsers: [user], emails: [address] });
  storeSecrets(storedSecrets);
  env.secrets.set('slack/bot-token', ['xoxb-current']);
  env.subscriptions.set(address, own);
});

function set(settings: Partial<GroupSettings>, name = 'default') {
  return setGroup(name, { quorum: 1, slackUsers: [], emails: [], ...settings }, alice, env.deps);
}

function storeSecrets(types: Readonly<Record<string, string>>) {
  env.deps.deployment = aDeployment({ parameters: async () => new Map(Object.entries(types)) });
}

async function listProblems() {
  const checks = [...(await checkSlack(env.deps)), ...(await checkEmail(env.deps))];
  return checks.filter(({ status }) => status !== 'ok');
}

test('the doctor reports no problem when Slack and email reach all approvers', async () => {
  expect(await listProblems()).toEqual([]);
});

describe('the Slack check', () => {
  test('passes without a Slack channel and names the command that connects Slack', async () => {
    await set({ emails: [address] });
    storeSecrets({});
    expect(await checkSlack(env.deps)).toMatchObject([
      { name: 'slack-app', status: 'ok', detail: expect.stringContaining('linkgate slack connect') },
    ]);
  });

  test('fails for secrets that were never stored', async () => {
    storeSecrets({});
    expect(await listProblems()).toMatchObject([
      { name: 'slack-app', status: 'failed', remedy: 'linkgate slack connect' },
      { name: 'slack-signing-secret', status: 'failed', remedy: 'linkgate slack connect' },
    ]);
  });

  test('fails for a secret that is no SecureString', async () => {
    storeSecrets({ ...storedSecrets, 'slack/signing-secret': 'String' });
    expect(await listProblems()).toMatchObject([
      {
        name: 'slack-signing-secret',
        status: 'failed',
        remedy: 'aws ssm delete-parameter --name /linkgate/test/slack/signing-secret\nlinkgate slack connect',
      },
    ]);
  });

  test.each([
    ['token_revoked', 'failed', 'reinstall the app'],
    ['timeout', 'warning', 'check again'],
  ])('reports the Slack error %s as %s, with the remedy “%s”', async (error, status, remedy) => {
    env.deps.slackWith = () => ({ authTest: () => Promise.reject(new SlackError('auth.test', error)) });
    expect(await listProblems()).toMatchObject([
      {
        name: 'slack-app',
        status,
        detail: expect.stringContaining(error),
        remedy: expect.stringContaining(remedy),
      },
    ]);
  });

  test('warns when Slack accepts only the previous bot token', async () => {
    env.secrets.set('slack/bot-token', ['xoxb-current', 'xoxb-previous']);
    env.deps.slackWith = ([token]) => ({
      authTest: async () => {
        if (token === 'xoxb-current') throw new SlackError('auth.test', 'invalid_auth');
        return env.slackApp;
      },
    });
    expect(await listProblems()).toMatchObject([
      {
        name: 'slack-app',
        status: 'warning',
        detail: expect.stringContaining('accepts the previous one'),
        remedy: expect.stringContaining('linkgate slack connect'),
      },
    ]);
  });

  test('fails for an AWS error', async () => {
    env.deps.secrets = { ...env.deps.secrets, read: () => Promise.reject(new Error('SSM is away')) };
    expect(await listProblems()).toMatchObject([
      { name: 'slack-app', status: 'failed', detail: expect.stringContaining('SSM is away') },
    ]);
  });

  test.each([
    [['chat:write'], 'failed', 'lacks scopes: commands'],
    [['chat:write', 'commands', 'files:read'], 'warning', 'does not use: files:read'],
  ])('reports the app scopes %j as %s: “%s”', async (scopes, status, detail) => {
    env.slackApp.scopes = scopes;
    expect(await listProblems()).toMatchObject([
      {
        name: 'slack-app',
        status,
        detail: expect.stringContaining(detail),
        remedy: expect.stringMatching(/\nlinkgate slack manifest$/),
      },
    ]);
  });

  test.each([
    ['not_in_channel', '/invite @linkgate-test'],
    ['is_archived', '--slack-channel'],
    ['something_new', 'documentation of Slack'],
  ])('fails for a channel that rejects messages with %s, with the remedy “%s”', async (error, remedy) => {
    env.put(aFailedThrottle(error));
    expect(await listProblems()).toMatchObject([
      {
        name: 'slack-channel',
        subject: 'default',
        status: 'failed',
        detail: expect.stringContaining(error),
        remedy: expect.stringContaining(remedy),
      },
    ]);
  });

  test('ignores the error of a channel that the group no longer has', async () => {
    env.put(aFailedThrottle('not_in_channel', 'C01BEFORE'));
    expect(await listProblems()).toEqual([]);
  });
});

function aFailedThrottle(error: string, channelId = channel) {
  const channelError = { error, channel: channelId, at: noon.toISOString() };
  return throttleItem({ ...emptyThrottle('default'), channelError, version: 1 });
}

describe('the email check', () => {
  test('fails for an address without a subscription, and its remedy sets the group unchanged', async () => {
    env.subscriptions.clear();
    await set(
      { emails: ['bob@example.com'], quorum: 1, decisionChannels: 'api', escalateTo: 'default' },
      'night',
    );
    expect(await listProblems()).toMatchObject([
      {
        name: 'email-subscription',
        subject: address,
        status: 'failed',
        remedy: `linkgate approvers set default --slack-channel ${channel} --slack-user T01LOCAL:U01ALICE --email ${address} --quorum 1`,
      },
      {
        subject: 'bob@example.com',
        remedy:
          'linkgate approvers set night --email bob@example.com --quorum 1 --decision-channels api --escalate-to default',
      },
    ]);
  });

  test('warns about an unconfirmed subscription', async () => {
    env.subscriptions.set(address, {});
    expect(await listProblems()).toMatchObject([
      {
        name: 'email-subscription',
        subject: address,
        status: 'warning',
        remedy: expect.stringMatching(
          /AWS Notifications, within two days.*\nlinkgate approvers set default /,
        ),
      },
    ]);
  });

  test('fails for an approver whose subscription has no filter policy', async () => {
    env.subscriptions.set(address, { arn: 'arn:wide' });
    expect(await listProblems()).toMatchObject([
      {
        name: 'email-subscription',
        status: 'failed',
        detail: expect.stringContaining('filter policy'),
        remedy: expect.stringContaining('linkgate approvers set default'),
      },
    ]);
  });

  test('fails for a confirmed subscription that no group names, and its remedy unsubscribes it', async () => {
    env.subscriptions.set('mallory@example.com', { arn: 'arn:mallory' });
    env.subscriptions.set('waiting@example.com', {});
    env.subscriptions.set('former@example.com', {
      arn: 'arn:former',
      filterAddresses: ['former@example.com'],
    });
    expect(await listProblems()).toMatchObject([
      {
        name: 'unmanaged-email-subscriptions',
        subject: null,
        status: 'failed',
        detail: expect.stringMatching(/: mallory@example\.com$/),
        remedy: 'aws sns unsubscribe --subscription-arn arn:mallory',
      },
    ]);
  });

  test('fails when SNS denies the permission', async () => {
    const message = 'not authorized to perform: SNS:ListSubscriptionsByTopic';
    const denied = Object.assign(new Error(message), { name: 'AuthorizationErrorException' });
    env.deps.subscriptions = { ...env.deps.subscriptions, list: () => Promise.reject(denied) };
    expect(await listProblems()).toMatchObject([
      { group: 'email', status: 'failed', remedy: expect.stringContaining('serverless deploy') },
    ]);
  });
});
