import { ParameterAlreadyExists, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from '@jest/globals';
import { ssmSecrets } from '../../lib/aws/ssm-secrets.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

const alreadyThere = new ParameterAlreadyExists({ message: 'already there', $metadata: {} });

test('a secret is created as a SecureString of its stage without overwriting', async () => {
  const { client, sent } = stubSdkClient<SSMClient>();
  expect(await ssmSecrets(client, 'test').createIfMissing('links/signing-key', () => 'a-key')).toBe(true);
  expect(sent).toEqual([
    {
      command: 'PutParameter',
      input: {
        Name: '/linkgate/test/links/signing-key',
        Value: 'a-key',
        Type: 'SecureString',
        Overwrite: false,
      },
    },
  ]);
});

test('an existing secret stays unchanged', async () => {
  const { client } = stubSdkClient<SSMClient>(alreadyThere);
  expect(await ssmSecrets(client, 'test').createIfMissing('links/signing-key', () => 'a-key')).toBe(false);
});

test('a secret that cannot be created is an error', async () => {
  const { client } = stubSdkClient<SSMClient>(awsError('AccessDeniedException'));
  await expect(ssmSecrets(client, 'test').createIfMissing('x', () => '')).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
});

test.each([
  ['a-key\n', ['a-key']],
  ['new\r\nold\n', ['new', 'old']],
  ['', []],
])('a secret stored as %j has the values %j', async (Value, values) => {
  const { client } = stubSdkClient<SSMClient>({ Parameter: { Value } });
  expect(await ssmSecrets(client, 'test').read('slack/bot-token')).toEqual(values);
});

test('rotation puts the new value on the first line and keeps the old value on the second', async () => {
  const { client, sent } = stubSdkClient<SSMClient>({ Parameter: { Value: 'current\nprevious' } });
  expect(await ssmSecrets(client, 'test').rotate('slack/bot-token', 'new')).toBe(true);
  expect(sent[1]).toEqual({
    command: 'PutParameter',
    input: {
      Name: '/linkgate/test/slack/bot-token',
      Value: 'new\ncurrent',
      Type: 'SecureString',
      Overwrite: true,
    },
  });
});

test('rotation of a missing secret stores the new value alone', async () => {
  const missing = new ParameterNotFound({ message: 'not there', $metadata: {} });
  const { client, sent } = stubSdkClient<SSMClient>(missing);
  expect(await ssmSecrets(client, 'test').rotate('slack/bot-token', 'new')).toBe(true);
  expect(sent[1]).toMatchObject({ input: { Value: 'new' } });
});

test('rotation to the current value changes nothing', async () => {
  const { client, sent } = stubSdkClient<SSMClient>({ Parameter: { Value: 'current\nprevious' } });
  expect(await ssmSecrets(client, 'test').rotate('slack/bot-token', 'current')).toBe(false);
  expect(sent).toHaveLength(1);
});

test.each([
  ['current\nprevious', ['current']],
  ['current', []],
  ['', []],
])('dropping the previous value of %j leaves only the current one', async (Value, written) => {
  const { client, sent } = stubSdkClient<SSMClient>({ Parameter: { Value } });
  await ssmSecrets(client, 'test').dropPrevious('slack/bot-token');
  expect(sent.slice(1).map(({ input }) => (input as { Value?: string }).Value)).toEqual(written);
});
