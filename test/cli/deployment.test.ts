import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { stageForm } from '../../lib/values/stage.mjs';
import { type FakeAws, fakeAws, runCli } from './test-env.ts';

let aws: FakeAws;
beforeAll(async () => {
  aws = await fakeAws();
  aws.respond = () => ({ body: { services: [] } });
  // The credentials and the Region of the machine have no effect here.
  process.env.AWS_CONFIG_FILE = '/nonexistent';
  process.env.AWS_SHARED_CREDENTIALS_FILE = '/nonexistent';
  delete process.env.AWS_REGION;
});
beforeEach(() => {
  aws.apiRequests.length = 0;
});
afterAll(() => aws.close());

const stages = (...names: readonly string[]) =>
  Object.fromEntries([
    ...names.map((name) => [`/linkgate/${name}/slack/bot-token`, 'secret']),
    ...names.map((name) => [`/linkgate/${name}/api-url`, `${aws.url}/${name}`]),
  ]);
const listRequestPaths = () => aws.apiRequests.map(({ path }) => path);

test('a single stage needs no name', async () => {
  aws.parameters = stages('local');
  expect(await runCli('service list', aws)).toMatchObject({ code: 0 });
  expect(listRequestPaths()).toEqual(['/local/services']);
});

test('with several stages a name is required, and the option has precedence over the environment', async () => {
  aws.parameters = stages('dev', 'prod');
  const env = { AWS_REGION: 'eu-west-1', LINKGATE_STAGE: 'dev' };
  expect(await runCli('service list', aws)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('dev, prod'),
  });
  await runCli('service list', aws, { env });
  await runCli('service list --stage prod', aws, { env });
  expect(listRequestPaths()).toEqual(['/dev/services', '/prod/services']);
});

test.each([
  ['service list', 'there is no linkgate in account 111111111111, Region eu-west-1'],
  ['service list --stage prod', 'there is no linkgate of the stage prod in account 111111111111'],
])('`%s` without a deployment prints the searched account and Region', async (line, message) => {
  aws.parameters = {};
  expect(await runCli(line, aws)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(message),
  });
});

test.each([
  ['the option', 'service list --stage twenty-nine-characters-of-it-', {}],
  ['the environment', 'service list', { LINKGATE_STAGE: 'twenty-nine-characters-of-it-' }],
  ['a capital letter in the environment', 'service list', { LINKGATE_STAGE: 'Prod' }],
])('an invalid stage is a usage error without an API call: %s', async (_name, line, env) => {
  aws.parameters = stages('local');
  expect(await runCli(line, aws, { env: { AWS_REGION: 'eu-west-1', ...env } })).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(stageForm),
  });
  expect(aws.apiRequests).toEqual([]);
});

test.each([
  ['the option', '--region ap-south-1', { AWS_REGION: 'eu-west-1' }, 'ap-south-1'],
  ['AWS_REGION', '', { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' }, 'eu-west-1'],
  ['AWS_DEFAULT_REGION', '', { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-2' }, 'eu-west-2'],
  ['the sandbox by default', '', { AWS_REGION: '' }, 'us-east-1'],
])('the Region comes from %s', async (_name, options, env, region) => {
  aws.parameters = stages('local');
  await runCli(`service list ${options}`.trim(), aws, { env });
  expect(aws.apiRequests[0]?.authorization).toContain(`/${region}/execute-api/`);
});

test('without a sandbox, a Region is required', async () => {
  expect(await runCli('service list', aws, { env: { AWS_REGION: '', AWS_ENDPOINT_URL: '' } })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('give --region, or set AWS_REGION'),
  });
});
