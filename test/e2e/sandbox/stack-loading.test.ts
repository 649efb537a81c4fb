import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { provider, stackName } from '../../../sandbox/accounts.ts';
import { type AwsEmulator, createAwsEmulator } from '../../../sandbox/aws-emulator.ts';
import { callLinkgate } from '../../../sandbox/linkgate-api.ts';
import { openStore } from '../../../sandbox/persistence.ts';
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts';
import { loadStack } from '../../../sandbox/stack/load-stack.ts';
import { readPackagedTemplate, type Template } from '../../../sandbox/stack/template.ts';

const packageFolder = fileURLToPath(new URL('../../../.serverless', import.meta.url));

let emulator: AwsEmulator | undefined;
let sandbox: Sandbox | undefined;
const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
});

afterEach(async () => {
  await emulator?.stop();
  await sandbox?.stop();
  emulator = undefined;
  sandbox = undefined;
});

/** Loads a template of these resources only. */
async function load(
  Resources: object,
  rest: Omit<Template, 'Resources'> = {},
  parameters: Readonly<Record<string, string>> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'linkgate-test-'));
  folders.push(folder);
  emulator = await createAwsEmulator({
    origin: 'http://127.0.0.1:0',
    folder,
    store: openStore(':memory:'),
    onOutput: () => {},
  });
  const template = { ...rest, Resources } as Template;
  return loadStack(template, emulator, { ...provider, name: stackName, packageFolder, parameters });
}

const role = (...Statement: object[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    },
    Policies: [{ PolicyName: 'own', PolicyDocument: { Version: '2012-10-17', Statement } }],
  },
});
const queue = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'jobs', VisibilityTimeout: 60 } };
const aFunction = {
  Type: 'AWS::Lambda::Function',
  Properties: {
    FunctionName: 'worker',
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Handler: 'index.handler',
    Code: { S3Key: 'folder/decide-connections.zip' },
    Timeout: 30,
  },
};
const aMapping = (properties: object = {}) => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: {
    FunctionName: { Ref: 'Function' },
    EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
    ...properties,
  },
});
const mayReceive = role({
  Effect: 'Allow',
  Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  Resource: '*',
});

describe('a stack', () => {
  test('is created in the order of its references, and has the outputs of its template', async () => {
    const { outputs } = await load(
      { Mapping: aMapping(), Function: aFunction, Role: mayReceive, Queue: queue },
      { Outputs: { Jobs: { Value: { 'Fn::GetAtt': ['Queue', 'Arn'] } } } },
    );
    expect(outputs).toEqual({ Jobs: 'arn:aws:sqs:us-east-1:111111111111:jobs' });
    expect(emulator?.lambda.functions().map(({ name }) => name)).toEqual(['worker']);
  });

  test('has the given parameter values, or their defaults', async () => {
    const Parameters = { slackApiUrl: { Default: 'https://slack.com/api' }, colour: { Default: 'blue' } };
    const Outputs = Object.fromEntries(
      Object.keys(Parameters).map((name) => [name, { Value: { Ref: name } }]),
    );
    const { outputs } = await load({}, { Parameters, Outputs }, { slackApiUrl: 'http://here' });
    expect(outputs).toEqual({ slackApiUrl: 'http://here', colour: 'blue' });
  });

  test('with a value for an unknown parameter is refused', async () => {
    await expect(load({}, {}, { colour: 'red' })).rejects.toThrow('the template has no parameter `colour`');
  });

  test.each([
    [
      'a resource type that the sandbox does not know',
      {
        Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketKeyEnabled: true } },
        Key: { Type: 'AWS::KMS::Key' },
      },
      /`(Bucket|Key)`: the sandbox does not know/,
    ],
    [
      'a property that it does not know',
      { Queue: { ...queue, Properties: { ...queue.Properties, Colour: 'red' } } },
      '`Queue`: the sandbox does not know the property `Colour` of `AWS::SQS::Queue`',
    ],
    ['a reference to nothing', { Mapping: aMapping(), Role: mayReceive, Function: aFunction }, '`Mapping`: '],
    [
      'resources that depend on each other',
      {
        A: { Type: 'AWS::SQS::Queue', DependsOn: 'B' },
        B: { Type: 'AWS::SQS::Queue', DependsOn: ['A'] },
      },
      'resources depend on each other: A → B → A',
    ],
    [
      'a mapping whose function may not receive',
      { Mapping: aMapping(), Function: aFunction, Role: role(), Queue: queue },
      'lacks `sqs:ReceiveMessage` on `arn:aws:sqs:us-east-1:111111111111:jobs`',
    ],
    [
      'a function that may run longer than its messages are hidden',
      {
        Mapping: aMapping(),
        Function: { ...aFunction, Properties: { ...aFunction.Properties, Timeout: 61 } },
        Role: mayReceive,
        Queue: queue,
      },
      'is shorter than its function may run',
    ],
  ])('with %s is refused', async (_, resources, problem) => {
    await expect(load(resources)).rejects.toThrow(problem);
  });
});

/** Copies the package without the statement that allows an action to a role. */
async function packageWithout(action: string, roleName: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'linkgate-tampered-'));
  folders.push(folder);
  await cp(packageFolder, folder, { recursive: true });
  const template = await readPackagedTemplate(folder);
  const { Policies } = (template.Resources[roleName]?.Properties ?? {}) as {
    Policies: { PolicyDocument: { Statement: { Action: string | string[] }[] } }[];
  };
  for (const { PolicyDocument } of Policies)
    PolicyDocument.Statement = PolicyDocument.Statement.filter(
      ({ Action }) => ![Action].flat().includes(action),
    );
  await writeFile(join(folder, 'cloudformation-template-update-stack.json'), JSON.stringify(template));
  return folder;
}

test.each([
  ['ssm:PutParameter', 'AccessDeniedException', 'POST', '/setup', undefined],
  ['dynamodb:Query', 'AccessDeniedException', 'GET', '/services', undefined],
  [
    'ec2:DescribeVpcEndpointServiceConfigurations',
    'UnauthorizedOperation',
    'GET',
    '/services?unregistered=true',
    undefined,
  ],
] as const)(
  'a role without %s makes the call fail with %s',
  async (action, error, method, path, input) => {
    const started = await startSandbox({
      port: 0,
      packageFolder: await packageWithout(action, 'OnApiRequestRole'),
    });
    sandbox = started;
    const { ApiUrl = '' } = started.outputs;
    await expect(callLinkgate(ApiUrl, provider.accountId, method, path, input)).rejects.toThrow();
    const denied = started.calls
      .list({ since: 0, principal: 'on-api-request' })
      .filter(({ status }) => status >= 400)
      .map((call) => ({ action: `${call.service}:${call.action}`, error: call.error }));
    expect(denied).toContainEqual({ action, error });
  },
  30_000,
);
