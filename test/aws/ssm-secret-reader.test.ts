import { ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from '@jest/globals';
import { ssmSecretReader } from '../../lib/aws/ssm-secret-reader.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

const name = '/linkgate/test/links/signing-key';

test('a secret is read with decryption', async () => {
  const { client, sent } = stubSdkClient<SSMClient>({ Parameter: { Value: 'new\nold' } });
  expect(await ssmSecretReader(client, name)()).toBe('new\nold');
  expect(sent).toEqual([{ command: 'GetParameter', input: { Name: name, WithDecryption: true } }]);
});

test('a missing secret is empty', async () => {
  const notFound = new ParameterNotFound({ message: 'not there', $metadata: {} });
  expect(await ssmSecretReader(stubSdkClient<SSMClient>(notFound).client, name)()).toBe('');
});

test('a secret that cannot be read is an error, and not empty', async () => {
  const { client } = stubSdkClient<SSMClient>(awsError('AccessDeniedException'));
  await expect(ssmSecretReader(client, name)()).rejects.toMatchObject({ name: 'AccessDeniedException' });
});
