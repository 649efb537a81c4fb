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

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'linkgate-test-'));
  folders.push(folder);
  return folder;
}

/** Loads a template of these resources only. */
async function load(
  Resources: object,
  rest: Omit<Template, 'Resources'> = {},
  parameters: Readonly<Record<string, string>> = {},
) {
  emulator = await createAwsEmulator({
    origin: 'http://127.0.0.1:0',
    folder: await createFolder(),
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
    Environment: { Variables: {} },
    Timeout: 30,
  },
};
const mapping = {
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: {
    FunctionName: { Ref: 'Function' },
    EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    BatchSize: 10,
  },
};
const mayReceive = role({
  Effect: 'Allow',
  Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  Resource: '*',
});
const resources = { Mapping: mapping, Function: aFunction, Role: mayReceive, Queue: queue };

describe('a stack', () => {
  test('is created in the order of its references, and has the outputs of its template', async () => {
    const { outputs } = await load(resources, {
      Outputs: { Jobs: { Value: { 'Fn::GetAtt': ['Queue', 'Arn'] } } },
    });
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

  test.each<[string, object, string | RegExp]>([
    [
      'a resource type that the sandbox does not know',
      { Key: { Type: 'AWS::KMS::Key' } },
      '`Key`: the sandbox does not know the resource type `AWS::KMS::Key`',
    ],
    [
      'a property that it does not know',
      { Queue: { ...queue, Properties: { ...queue.Properties, Colour: 'red' } } },
      '`Queue`: the sandbox does not know the property `Colour` of `AWS::SQS::Queue`',
    ],
    ['a reference to nothing', { Mapping: mapping, Role: mayReceive, Function: aFunction }, '`Mapping`: '],
    [
      'resources that depend on each other',
      { A: { ...queue, DependsOn: ['B'] }, B: { ...queue, DependsOn: ['A'] } },
      'resources depend on each other: A → B → A',
    ],
    [
      'a mapping whose function may not receive',
      { ...resources, Role: role() },
      'lacks `sqs:ReceiveMessage` on `arn:aws:sqs:us-east-1:111111111111:jobs`',
    ],
    [
      'a function that may run longer than its messages are hidden',
      { ...resources, Function: { ...aFunction, Properties: { ...aFunction.Properties, Timeout: 61 } } },
      'is shorter than its function may run',
    ],
  ])('with %s is refused', async (_, refused, problem) => {
    await expect(load(refused)).rejects.toThrow(problem);
  });
});

test.each([
  ['ssm:PutParameter', 'AccessDeniedException', 'POST', '/setup'],
  ['dynamodb:Query', 'AccessDeniedException', 'GET', '/services'],
  [
    'ec2:DescribeVpcEndpointServiceConfigurations',
    'UnauthorizedOperation',
    'GET',
    '/services?unregistered=true',
  ],
])(
  'a role without %s makes the call fail with %s',
  async (action, error, method, path) => {
    const started = await startSandbox({ port: 0, packageFolder: await packageWithout(action) });
    sandbox = started;
    const { ApiUrl = '' } = started.outputs;
    await expect(callLinkgate(ApiUrl, provider.accountId, method, path)).rejects.toThrow();
    const failed = started.calls
      .list({ since: 0, principal: 'on-api-request' })
      .filter(({ status }) => status >= 400)
      .map((call) => ({ action: `${call.service}:${call.action}`, error: call.error }));
    expect(failed).toContainEqual({ action, error });
  },
  30_000,
);

/** Copies the package without a permission of the function `on-api-request`. */
async function packageWithout(permission: string): Promise<string> {
  const folder = await createFolder();
  await cp(packageFolder, folder, { recursive: true });
  const template = await readPackagedTemplate(folder);
  const { Policies } = (template.Resources.OnApiRequestRole?.Properties ?? {}) as {
    Policies: { PolicyDocument: { Statement: { Action: string[] }[] } }[];
  };
  for (const { PolicyDocument } of Policies)
    for (const statement of PolicyDocument.Statement)
      statement.Action = statement.Action.filter((action) => action !== permission);
  await writeFile(join(folder, 'cloudformation-template-update-stack.json'), JSON.stringify(template));
  return folder;
}
