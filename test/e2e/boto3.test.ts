import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createEndpoint, createService, provider, startSandbox } from './sandbox.ts';

/** boto3 shares no code with the sandbox. A machine without it prints NOT CHECKED. */
const hasBoto3 = spawnSync('python3', ['-c', 'import boto3']).status === 0;
if (!hasBoto3) console.warn('NOT CHECKED: boto3 is not on this machine');

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
for (const account of ['222222222222', '444444444444']) await createEndpoint(sandbox, account, serviceId);
afterAll(() => sandbox.stop());

const env = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  AWS_ENDPOINT_URL: sandbox.url,
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: provider,
  AWS_SECRET_ACCESS_KEY: 'any',
  AWS_MAX_ATTEMPTS: '1',
  SERVICE_ID: serviceId,
};

function python(program: string) {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

(hasBoto3 ? describe : describe.skip)('boto3', () => {
  test('parses responses of EC2 with dates and pages', () => {
    const answer = python(`
import boto3, json, os
ec2 = boto3.client('ec2')
pages = ec2.get_paginator('describe_vpc_endpoint_connections').paginate(
    Filters=[{'Name': 'service-id', 'Values': [os.environ['SERVICE_ID']]}], PaginationConfig={'PageSize': 5})
rows = [c for page in pages for c in page['VpcEndpointConnections']]
print(json.dumps({'owners': sorted(c['VpcEndpointOwner'] for c in rows),
                  'dated': all(c['CreationTimestamp'].year > 2000 for c in rows)}))`);
    expect(answer).toEqual({ owners: ['222222222222', '444444444444'], dated: true });
  });

  test('raises the documented error codes', () => {
    const answer = python(`
import boto3, json
from botocore.exceptions import ClientError
def code(call):
    try: call()
    except ClientError as error: return [error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']]
ec2, ssm, sqs = boto3.client('ec2'), boto3.client('ssm'), boto3.client('sqs')
print(json.dumps([
    code(lambda: ec2.describe_vpc_endpoint_service_configurations(ServiceIds=['vpce-svc-00000000000000000'])),
    code(lambda: ec2.describe_vpc_endpoint_connections(MaxResults=4)),
    code(lambda: ec2.describe_vpc_endpoint_connections(Filters=[{'Name': 'nonsense', 'Values': ['x']}])),
    code(lambda: ec2.describe_instances()),
    code(lambda: ssm.get_parameter(Name='/none')),
    code(lambda: sqs.get_queue_url(QueueName='none'))]))`);
    expect(answer).toEqual([
      ['InvalidVpcEndpointServiceId.NotFound', 400],
      ['InvalidParameterValue', 400],
      ['InvalidFilter', 400],
      ['InvalidAction', 400],
      ['ParameterNotFound', 400],
      ['AWS.SimpleQueueService.NonExistentQueue', 400],
    ]);
  });
});
