import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { main } from '../../cli/main.ts';
import { isAllowed, type PolicyDocument } from '../../sandbox/iam/policy.ts';
import { callLinkgate } from '../../sandbox/linkgate-api.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { operations } from '../api/openapi.ts';

const account = '111111111111';
const levels = ['viewer', 'approver', 'administrator'];
const anotherStage = `arn:aws:ssm:us-east-1:${account}:parameter/linkgate/prod/api-url`;
const secret = `arn:aws:ssm:us-east-1:${account}:parameter/linkgate/local/slack/bot-token`;

/** Path parameter values of callers: IAM's `*` also matches slashes. */
const values = ['x', '*', '%2A', 'x%2Fpause', 'vpce-0123456789abcdef0'];

const calls = operations.flatMap(({ method, path, access }) =>
  values
    .map((value) => ({ method, path: path.replace(/\{\w+\}/g, value), access }))
    .slice(0, path.includes('{') ? values.length : 1),
);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({
    port: 0,
    packageFolder: fileURLToPath(new URL('../../.serverless', import.meta.url)),
  });
}, 60_000);
afterAll(() => sandbox?.stop());

function requirePolicy(level: string): PolicyDocument {
  const arn = `arn:aws:iam::${account}:policy/linkgate-local-${level}-us-east-1`;
  const policy = sandbox.emulator.managedPolicies.get(arn);
  if (!policy) throw new Error(`there is no policy ${arn}`);
  return policy;
}

/** Creates the access key of a role with only this policy. */
function createAccessKey(level: string): string {
  const roleArn = `arn:aws:iam::${account}:role/${level}`;
  sandbox.emulator.roles.set(roleArn, {
    arn: roleArn,
    policies: [requirePolicy(level)],
    usedByLambda: [],
  });
  return sandbox.emulator.callers.createAccessKey({ principal: level, functionName: level, roleArn });
}

describe.each(levels)('the managed policy for a person who is %s', (level) => {
  const included = levels.slice(0, levels.indexOf(level) + 1);
  const isIncluded = ({ access }: { access: string }) => included.includes(access);

  test('allows the API operations of its level and no others', () => {
    const api = `arn:aws:execute-api:us-east-1:${account}:${apiId()}/$default`;
    const allowed = calls.filter(({ method, path }) =>
      isAllowed([requirePolicy(level)], {
        action: 'execute-api:Invoke',
        resource: `${api}/${method}${path}`,
      }),
    );
    expect(allowed).toEqual(calls.filter(isIncluded));
  });

  test('matches the access check of the API', async () => {
    const key = createAccessKey(level);
    const answers = await Promise.all(
      calls.map(async (call) => ({ ...call, isRefused: await isForbidden(key, call) })),
    );
    expect(answers.filter(({ isRefused }) => !isRefused)).toEqual(
      calls.filter(isIncluded).map((call) => ({ ...call, isRefused: false })),
    );
  }, 60_000);

  test('allows reading the API URL, and no secret', async () => {
    const mayRead = (resource: string) =>
      isAllowed([requirePolicy(level)], { action: 'ssm:GetParameter', resource });
    expect([anotherStage, secret].filter(mayRead)).toEqual([]);
    expect(await linkgate(createAccessKey(level), 'service', 'list', '--stage', 'local')).toMatchObject({
      exitCode: 0,
    });
  });

  test('allows nothing else', () => {
    const statements = [requirePolicy(level).Statement].flat();
    expect(statements.flatMap(({ Action }) => Action)).toEqual(['execute-api:Invoke', 'ssm:GetParameter']);
    expect(JSON.stringify(requirePolicy(level)).length).toBeLessThan(6_144);
  });
});

test('the command line asks for --stage if the caller may not list parameters', async () => {
  const { exitCode, stderr } = await linkgate(createAccessKey('viewer'), 'service', 'list');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('--stage or LINKGATE_STAGE');
});

test('each policy ARN is an output of the stack', () => {
  expect(sandbox.outputs).toMatchObject({
    ViewerPolicyArn: expect.stringContaining('local-viewer'),
    ApproverPolicyArn: expect.stringContaining('local-approver'),
    AdministratorPolicyArn: expect.stringContaining('local-administrator'),
  });
});

function apiId(): string {
  return sandbox.outputs.ApiUrl?.split('/').at(-1) ?? '';
}

/** Whether API Gateway returns 403; errors of linkgate itself, such as for a missing body, do not count. */
async function isForbidden(key: string, { method, path }: { method: string; path: string }) {
  try {
    await callLinkgate(sandbox.outputs.ApiUrl ?? '', key, method, path);
    return false;
  } catch (error) {
    return /with 403: {"message":"Forbidden"}/.test(String(error));
  }
}

async function linkgate(accessKeyId: string, ...args: string[]) {
  let stderr = '';
  // The SDK reads the process's own environment.
  const env = {
    AWS_ENDPOINT_URL: sandbox.origin,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: 'x',
  };
  Object.assign(process.env, env);
  const exitCode = await main(args, {
    env,
    stdout: { write: () => {} },
    stderr: { write: (text) => (stderr += text) },
    clock: { sleep: async () => {}, after: () => () => {} },
  });
  return { exitCode, stderr };
}
