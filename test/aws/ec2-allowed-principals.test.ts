import { EC2Client } from '@aws-sdk/client-ec2';
import { expect, test } from '@jest/globals';
import { ec2AllowedPrincipals } from '../../lib/aws/ec2-allowed-principals.ts';
import { ThrottledError } from '../../lib/privatelink/connections.ts';
import { PrincipalsRefusedError } from '../../lib/services/allowed-principals/allowed-principals.ts';
import { serviceId } from '../builders.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

function createStubbedPrincipals(...answers: readonly unknown[]) {
  const { client, sent } = stubSdkClient<EC2Client>(...answers);
  // Paginators require an instance of the real client class.
  Object.setPrototypeOf(client, EC2Client.prototype);
  return { principals: ec2AllowedPrincipals(client), sent };
}

test('ModifyVpcEndpointServicePermissions adds and removes principals', async () => {
  const { principals, sent } = createStubbedPrincipals();
  await principals.allow(serviceId(1), ['*']);
  await principals.disallow(serviceId(1), ['022222222222']);
  const command = 'ModifyVpcEndpointServicePermissions';
  expect(sent).toEqual([
    { command, input: { ServiceId: serviceId(1), AddAllowedPrincipals: ['*'] } },
    { command, input: { ServiceId: serviceId(1), RemoveAllowedPrincipals: ['022222222222'] } },
  ]);
});

test('principals are listed page by page', async () => {
  const { principals } = createStubbedPrincipals(
    { AllowedPrincipals: [{ Principal: '*' }], NextToken: 'more' },
    { AllowedPrincipals: [{ Principal: 'AROAEXAMPLE' }, {}] },
  );
  expect(await principals.list(serviceId(1))).toEqual(['*', 'AROAEXAMPLE']);
});

test.each([
  ['InvalidPrincipal', 'principals'],
  ['InvalidParameterValue', 'principals'],
  ['PrincipalLimitExceeded', 'principals'],
  ['UnauthorizedOperation', 'service'],
  ['InvalidVpcEndpointServiceId.NotFound', 'service'],
])('%s means that EC2 refuses the %s', async (code, reason) => {
  const { principals } = createStubbedPrincipals(awsError(code, 'no'));
  const refusal = await principals.allow(serviceId(1), ['*']).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(PrincipalsRefusedError);
  expect(refusal).toMatchObject({ reason, code, message: 'no' });
});

test('throttling throws ThrottledError, and is not a refusal', async () => {
  const { principals } = createStubbedPrincipals(awsError('RequestLimitExceeded'));
  await expect(principals.allow(serviceId(1), ['*'])).rejects.toThrow(ThrottledError);
});

test('any other error is thrown unchanged, because the result is unknown', async () => {
  const { principals } = createStubbedPrincipals(awsError('InternalError', 'broken'));
  await expect(principals.allow(serviceId(1), ['*'])).rejects.toMatchObject({ name: 'InternalError' });
});
