import { describe, expect, test } from '@jest/globals';
import { setOperationsRecipients } from '../../lib/approvers/operations-recipients.ts';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import { deliveryFailureItem } from '../../lib/customers/delivery-failure.ts';
import { emptyThrottle, throttleItem } from '../../lib/notifications/throttle.ts';
import { alice, noon } from '../builders.ts';
import {
  address,
  channel,
  contactAddress,
  env,
  failed,
  rejectCalls,
  runDoctor,
  setApprovers,
  setContact,
  storeSecretTypes,
  testPasses,
  testProblems,
  text,
  warned,
} from './fixtures.ts';

async function listChecks(...names: string[]) {
  return (await runDoctor()).filter(({ name }) => names.includes(name));
}

describe('the Slack check', () => {
  const connect = 'linkgate slack connect';

  test('passes without a Slack channel and names the command that connects Slack', async () => {
    await setApprovers({ emails: [address] });
    storeSecretTypes({ 'slack/bot-token': undefined, 'slack/signing-secret': undefined });
    expect(await listChecks('slack-app', 'slack-signing-secret', 'slack-channel')).toMatchObject([
      { name: 'slack-app', status: 'ok', detail: text(connect) },
    ]);
  });

  const rejectToken = (error: string) => () => {
    env.deps.slackWith = () => ({ authTest: () => Promise.reject(new SlackError('auth.test', error)) });
  };
  const rejectCurrentToken = () => {
    env.secrets.set('slack/bot-token', ['xoxb-current', 'xoxb-previous']);
    env.deps.slackWith = ([token]) => ({
      async authTest() {
        if (token === 'xoxb-current') throw new SlackError('auth.test', 'invalid_auth');
        return env.slackApp;
      },
    });
  };
  const rejectMessages =
    (error: string, id = channel) =>
    () => {
      const channelError = { error, channel: id, at: noon.toISOString() };
      env.put(throttleItem({ ...emptyThrottle('default'), channelError, version: 1 }));
    };
  const setScopes =
    (...scopes: string[]) =>
    () =>
      Object.assign(env.slackApp, { scopes });
  const setTypes =
    (type?: string, token = type) =>
    () =>
      storeSecretTypes({ 'slack/bot-token': token, 'slack/signing-secret': type });
  const manifest = '\nlinkgate slack manifest';
  const deleteSecret = `aws ssm delete-parameter --name /linkgate/test/slack/signing-secret\n${connect}`;

  testProblems(
    ['missing secrets', setTypes(), failed('slack-app', connect), failed('slack-signing-secret', connect)],
    [
      'a secret that is a String',
      setTypes('String', 'SecureString'),
      failed('slack-signing-secret', deleteSecret),
    ],
    ['a revoked token', rejectToken('token_revoked'), failed('slack-app', 'reinstall the app')],
    ['Slack without an answer', rejectToken('timeout'), warned('slack-app', 'check again')],
    ['a token that only the previous one replaces', rejectCurrentToken, warned('slack-app', connect)],
    ['an AWS error', () => rejectCalls(env.deps.secrets, 'read'), failed('slack-app', 'try again')],
    ['a missing scope', setScopes('chat:write'), failed('slack-app', manifest)],
    ['an unused scope', setScopes('chat:write', 'commands', 'files:read'), warned('slack-app', manifest)],
    [
      'a channel without the app',
      rejectMessages('not_in_channel'),
      failed('slack-channel', '/invite @linkgate-test'),
    ],
    ['an archived channel', rejectMessages('is_archived'), failed('slack-channel', '--slack-channel')],
    [
      'another error of a channel',
      rejectMessages('something_new'),
      failed('slack-channel', 'documentation of Slack'),
    ],
  );
  testPasses([
    'the error of a channel that the group no longer has',
    rejectMessages('not_in_channel', 'C01BEFORE'),
  ]);
});

describe('the email check', () => {
  const former = 'former@example.com';
  const denied = Object.assign(new Error('denied'), { name: 'AuthorizationErrorException' });
  const confirm = 'AWS Notifications, within two days. To send it again:\nlinkgate approvers set default';
  const subscribeOthers = () => {
    env.subscriptions.set('mallory@example.com', { arn: 'arn:mallory' });
    env.subscriptions.set('waiting@example.com', {});
    env.subscriptions.set(former, { arn: 'arn:former', filterAddresses: [former] });
  };
  const names = ['unmanaged-email-subscriptions', 'email-subscription'];

  testProblems(
    [
      'an unconfirmed subscription',
      () => env.subscriptions.set(address, {}),
      warned('email-subscription', confirm),
    ],
    [
      'a subscription without a filter policy',
      () => env.subscriptions.set(address, { arn: 'arn:wide' }),
      failed('email-subscription', 'linkgate approvers set default', { subject: address }),
    ],
    [
      'a confirmed subscription that no group names',
      subscribeOthers,
      failed('unmanaged-email-subscriptions', 'aws sns unsubscribe --subscription-arn arn:mallory', {
        detail: expect.stringMatching(/: mallory@example\.com$/),
      }),
    ],
    [
      'a denied permission',
      () => rejectCalls(env.deps.subscriptions, 'list', denied),
      ...names.map((name) => failed(name, 'serverless deploy')),
    ],
  );

  test('sets a group unchanged to subscribe its addresses again', async () => {
    env.subscriptions.clear();
    const slackUsers = [{ team: 'T01LOCAL', user: 'U01ALICE' }];
    await setApprovers({ slackChannel: channel, slackUsers, emails: [address] });
    const night = { emails: ['bob@example.com'], decisionChannels: 'api' as const, escalateTo: 'default' };
    await setApprovers(night, 'night');
    expect((await listChecks('email-subscription')).map(({ remedy }) => remedy)).toEqual([
      `linkgate approvers set default --slack-channel ${channel} --slack-user T01LOCAL:U01ALICE --email ${address} --quorum 1`,
      'linkgate approvers set night --email bob@example.com --quorum 1 --decision-channels api --escalate-to default',
    ]);
  });
});

describe('the contact check', () => {
  const unfiltered = { arn: 'arn:2' };
  const rejectLastMessage = async () => {
    await setContact({ topicArn: 'arn:aws:sns:us-east-1:022222222222:linkgate-notices' });
    env.put(deliveryFailureItem('initech', 'not authorized to perform: SNS:Publish', noon));
  };
  const setSubscription = (subscription: object) => () =>
    env.customerSubscriptions.set(contactAddress, subscription);

  test('is absent without contacts', async () => {
    await setContact();
    expect(await listChecks('contact')).toEqual([]);
  });

  testProblems(
    ['an unconfirmed address', setSubscription({}), warned('contact', '', { subject: 'initech' })],
    ['an address without a subscription', () => env.customerSubscriptions.clear(), failed('contact')],
    ['a subscription without a filter policy', setSubscription(unfiltered), failed('contact')],
    ['a topic that rejected the last message', rejectLastMessage, warned('contact', 'publish')],
    [
      'SNS without an answer',
      () => rejectCalls(env.deps.customerSubscriptions, 'list'),
      failed('contact', 'try again'),
    ],
  );
});

describe('the operations check', () => {
  const setRecipients =
    (...emails: string[]) =>
    () =>
      setOperationsRecipients({ emails }, alice, env.deps);
  const setCommand = `linkgate operations set --email ${address}`;

  test('passes for another subscriber of the topic alone, such as an incident tool', async () => {
    await setRecipients()();
    env.operationsSubscriptions.clear();
    env.operationsSubscriptions.set('https://incidents.example.com', { arn: 'arn:1' });
    expect(await listChecks('operations-notices', 'operations-subscription')).toMatchObject([
      { name: 'operations-notices', status: 'ok' },
    ]);
  });

  testProblems(
    [
      'notices that go nowhere',
      async () => {
        await setRecipients()();
        env.operationsSubscriptions.clear();
      },
      warned('operations-notices', 'linkgate operations set'),
    ],
    [
      'an address without a subscription',
      () => env.operationsSubscriptions.clear(),
      failed('operations-subscription', setCommand),
    ],
    [
      'an unconfirmed address',
      () => env.operationsSubscriptions.set(address, {}),
      warned('operations-subscription', setCommand),
    ],
  );
});
