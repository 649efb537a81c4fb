import { ParameterAlreadyExists, type SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from '@jest/globals';
import { ssmSecrets } from '../lib/ssm-secrets.ts';
import { awsError, sdkClient } from './doubles/sdk-client.ts';

const alreadyThere = new ParameterAlreadyExists({ message: 'already there', $metadata: {} });

test('a secret is made as a SecureString of its stage, and never replaces one', async () => {
  const { client, sent } = sdkClient<SSMClient>();
  expect(await ssmSecrets(client, 'test').makeOnce('links/signing-key', () => 'a-key')).toBe(true);
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

test('a secret that is there is left alone', async () => {
  const { client } = sdkClient<SSMClient>(alreadyThere);
  expect(await ssmSecrets(client, 'test').makeOnce('links/signing-key', () => 'a-key')).toBe(false);
});

test('a secret that cannot be made is said to be missing', async () => {
  const { client } = sdkClient<SSMClient>(awsError('AccessDeniedException'));
  await expect(ssmSecrets(client, 'test').makeOnce('x', () => '')).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
});
