import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEndpoint, createService, provider, type Sandbox, startSandbox } from './sandbox.ts';

/** Clients that share no code with the sandbox. A machine without them prints NOT CHECKED. */
const isInstalled = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const hasAwsCli = isInstalled('aws', '--version');
const hasBoto3 = isInstalled('python3', '-c', 'import boto3');
for (const [isPresent, name] of [
  [hasAwsCli, 'AWS CLI'],
  [hasBoto3, 'boto3'],
] as const)
  if (!isPresent) console.warn(`NOT CHECKED: the ${name} is not on this machine`);

let sandbox: Sandbox;
let serviceId: string;

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
  serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId);
  await sandbox.json('allow', '222222222222', '--service', serviceId);
  for (const account of ['222222222222', '444444444444']) await createEndpoint(sandbox, account, serviceId);
  await sandbox.idle();
}, 60_000);
afterAll(() => sandbox.stop());

function environment(accountId: string) {
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    AWS_ENDPOINT_URL: sandbox.url,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accountId,
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_MAX_ATTEMPTS: '1',
  };
}

function aws(accountId: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync('aws', [...args, '--output', 'json'], {
    encoding: 'utf8',
    env: environment(accountId),
  });
  return { status, stderr, answer: stdout.trim() === '' ? undefined : JSON.parse(stdout) };
}

function python(program: string) {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program], {
    encoding: 'utf8',
    env: { ...environment(provider), SERVICE_ID: serviceId },
  });
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
    const { status, stderr } = aws(provider, service, command);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`(${code})`);
    expect(stderr).toContain(`The sandbox has no service \`${signingName}\``);
  });

  test('gets its caller identity', () => {
    expect(aws('022222222222', 'sts', 'get-caller-identity').answer).toMatchObject({
      Account: '022222222222',
      Arn: 'arn:aws:iam::022222222222:root',
    });
  });

  test('lists connections by state with a JMESPath query', () => {
    const { answer } = aws(
      provider,
      ...['ec2', 'describe-vpc-endpoint-connections'],
      ...['--filters', 'Name=vpc-endpoint-state,Values=pendingAcceptance'],
      ...['--query', 'VpcEndpointConnections[].{Owner:VpcEndpointOwner,State:VpcEndpointState}'],
    );
    expect(answer).toEqual([{ Owner: '444444444444', State: 'pendingAcceptance' }]);
  });

  test('pages through results', () => {
    const { answer } = aws(
      provider,
      ...[
        'ec2',
        'describe-vpc-endpoint-connections',
        '--page-size',
        '5',
        '--query',
        'length(VpcEndpointConnections)',
      ],
    );
    expect(answer).toBe(2);
  });

  test('gets DryRunOperation for a dry run', () => {
    const { status, stderr } = aws(
      provider,
      ...['ec2', 'modify-vpc-endpoint-service-permissions', '--dry-run', '--service-id', serviceId],
      ...['--add-allowed-principals', 'arn:aws:iam::222222222222:root'],
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('DryRunOperation');
  });

  test('gets the failed endpoints of an accept in a successful response', () => {
    const { answer } = aws(
      provider,
      ...['ec2', 'accept-vpc-endpoint-connections', '--service-id', serviceId],
      ...['--vpc-endpoint-ids', 'vpce-00000000000000000'],
    );
    expect(answer.Unsuccessful).toMatchObject([{ ResourceId: 'vpce-00000000000000000' }]);
  });

  test('lists the API, the queues and the alarms of the stack', () => {
    const parameter = aws(provider, 'ssm', 'get-parameter', '--name', '/linkgate/local/api-url');
    expect(parameter.answer.Parameter.Value).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    const { answer } = aws(provider, 'cloudwatch', 'describe-alarms');
    expect(answer.MetricAlarms.map(({ AlarmName }: { AlarmName: string }) => AlarmName)).toContain(
      'linkgate-local-no-successful-sweep',
    );
    // Version 1 of the AWS CLI uses an old SQS endpoint and ignores AWS_ENDPOINT_URL.
    const queues = aws(provider, 'sqs', 'list-queues', '--endpoint-url', sandbox.url);
    expect(queues.answer.QueueUrls).toContain(`${sandbox.url}/${provider}/linkgate-local-sweep-requests`);
  });

  test('reads linkgate’s records in the table', () => {
    const { answer } = aws(
      provider,
      ...['dynamodb', 'query', '--table-name', 'linkgate-local'],
      ...['--key-condition-expression', 'pk = :pk'],
      ...['--expression-attribute-values', '{":pk":{"S":"SERVICE"}}'],
    );
    expect(answer.Items).toMatchObject([{ serviceId: { S: serviceId } }]);
  });

  test('gets the error of AWS for a service that it may not discover', () => {
    aws(
      provider,
      ...['ec2', 'modify-vpc-endpoint-service-permissions', '--service-id', serviceId],
      ...['--remove-allowed-principals', '*', '--add-allowed-principals', 'arn:aws:iam::222222222222:root'],
    );
    const { status, stderr } = aws(
      '444444444444',
      ...['ec2', 'create-vpc-endpoint', '--vpc-endpoint-type', 'Interface'],
      ...['--vpc-id', 'vpc-0123456789abcdef0', '--subnet-ids', 'subnet-0123456789abcdef0'],
      ...['--service-name', `com.amazonaws.vpce.us-east-1.${serviceId}`],
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('InvalidServiceName');
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
