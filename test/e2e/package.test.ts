import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stageForm } from '../../lib/values/stage.mjs';
import { inputs } from '../../packaging/package.mjs';
import { fakeDeployment } from '../packaging/fake-deployment.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const otherFolder = mkdtempSync(join(tmpdir(), 'linkgate-package-'));

let aws: Awaited<ReturnType<typeof fakeDeployment>>;

beforeAll(async () => {
  aws = await fakeDeployment();
  for (const path of globSync(inputs, { cwd: root })) cpSync(join(root, path), join(otherFolder, path));
  symlinkSync(join(root, 'node_modules'), join(otherFolder, 'node_modules'));
  await serverless('package', '--stage', 'local');
}, 120_000);

afterAll(async () => {
  await aws.close();
  rmSync(otherFolder, { recursive: true });
});

function serverless(...args: string[]) {
  const program = join(root, 'node_modules/serverless/bin/serverless.js');
  return promisify(execFile)(process.execPath, [program, ...args], {
    cwd: otherFolder,
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: '111111111111',
      AWS_SECRET_ACCESS_KEY: 'unused',
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_MAX_ATTEMPTS: '1',
    },
  });
}

/** Returns the digest of each zipped bundle by name. */
function digestZips(folder: string): Record<string, string> {
  const zips = readdirSync(join(folder, '.serverless')).filter((name) => name.endsWith('.zip'));
  const digest = (zip: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, '.serverless', zip)))
      .digest('hex');
  return Object.fromEntries(zips.map((zip) => [zip, digest(zip)]));
}

function readTemplate(folder: string): string {
  return readFileSync(join(folder, '.serverless/cloudformation-template-update-stack.json'), 'utf8');
}

test('the same sources result in the same zips, in any folder and at any time', () => {
  expect(Object.keys(digestZips(root)).length).toBeGreaterThan(0);
  expect(digestZips(otherFolder)).toEqual(digestZips(root));
});

test('packaging makes no AWS calls', () => {
  expect(aws.account.calls).toEqual([]);
});

test('the same sources result in the same template, except for the timestamp of Serverless', () => {
  const withoutTime = (template: string) => template.replaceAll(/\d{13}-\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
  expect(withoutTime(readTemplate(otherFolder))).toBe(withoutTime(readTemplate(root)));
});

test('the stack has a description', () => {
  expect(JSON.parse(readTemplate(otherFolder)).Description).toBe(
    'linkgate (stage local) decides who may connect to PrivateLink endpoint services',
  );
});

/** Writes the settings file of a stage. */
function stageFile(stage: string, text: string) {
  mkdirSync(join(otherFolder, 'stages'), { recursive: true });
  writeFileSync(join(otherFolder, `stages/${stage}.yml`), text);
}

test('an existing table is named with its stream or not at all', async () => {
  stageFile('half', 'table: restored\n');
  await expect(serverless('package', '--stage', 'half')).rejects.toMatchObject({
    stdout: expect.stringContaining('stages/half.yml: name both'),
  });
}, 60_000);

describe('serverless deploy', () => {
  const topic = 'arn:aws:sns:us-east-1:111111111111:on-call';

  beforeAll(() => {
    const parameters = { table: 'restored', tableStreamArn: 'arn:stream', alarmTopicArn: topic };
    aws.account.stacks['linkgate-prod'] = { parameters, outputs: { TableName: 'restored' } };
    stageFile('prod', `alarmTopicArn: ${topic}\n`);
  });

  const deploy = (...args: string[]) => serverless('deploy', '--stage', 'prod', ...args);

  test('reads the settings of the stage, and stops if they drop one of the running stack', async () => {
    const { stdout } = await deploy().catch((error: { stdout: string }) => error);
    expect(stdout).toContain('table: it runs with `restored`, and would with nothing');
    expect(stdout).not.toContain('alarmTopicArn: it runs with');
    expect(aws.account.calls.filter((call) => /^(Create|Update|Describe)/.test(call))).toEqual([
      'DescribeStacks',
    ]);
  }, 120_000);

  test('continues if the change is named', async () => {
    const { stdout } = await deploy('--param=change=table,tableStreamArn').catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).not.toContain('it runs with');
    expect(stdout).toContain('the fake account stops at');
  }, 120_000);
});

test.each(['Prod', 'twenty-nine-characters-of-it-'])(
  'a stage has a name that the command line accepts, not %s',
  async (stage) => {
    await expect(serverless('package', '--stage', stage)).rejects.toMatchObject({
      stdout: expect.stringContaining(stageForm),
    });
  },
  60_000,
);
