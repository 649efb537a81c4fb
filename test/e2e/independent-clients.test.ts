import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createEndpoint, createService, provider, startSandbox } from './sandbox.ts';

/** Clients that share no code with the sandbox. A machine without them prints NOT CHECKED. */
const isInstalled = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const hasAwsCli = isInstalled('aws', '--version');
const hasBoto3 = isInstalled('python3', '-c', 'import boto3');
for (const [isPresent, name] of [
  [hasAwsCli, 'AWS CLI'],
  [hasBoto3, 'boto3'],
] as const)
  if (!isPresent) console.warn(`NOT CHECKED: the ${name} is not on this machine`);

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

function aws(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('aws', [...args, '--output', 'json'], {
    encoding: 'utf8',
    env,
  });
  return { status, stderr, answer: stdout.trim() === '' ? undefined : JSON.parse(stdout) };
}

function python(program: string) {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

(hasAwsCli ? describe : describe.skip)('the AWS CLI', () => {
  test.each([
    ['elbv2', 'describe-load-balancers', 'InvalidAction', 'elasticloadbalancing'],
    ['route53', 'list-hosted-zones', 'InvalidAction', 'route53'],
    ['s3', 'ls', 'NotImplemented', 's3'],
    ['kms', 'list-keys', 'UnknownOperationException', 'kms'],
    ['lambda', 'list-functions', 'UnknownOperationException', 'lambda'],
  ])('gets a clear error for %s, which is not modelled', (service, command, code, signingName) => {
    const { status, stderr } = aws(service, command);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`(${code})`);
    expect(stderr).toContain(`The sandbox has no service \`${signingName}\``);
  });
});

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
