import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import Packaging from '../../packaging/serverless-plugin.mjs';
import { fakeDeployment } from './fake-deployment.ts';

const folder = mkdtempSync(join(tmpdir(), 'linkgate-deploy-'));
let aws: Awaited<ReturnType<typeof fakeDeployment>>;
let notices: string[];

beforeAll(async () => {
  aws = await fakeDeployment();
});
beforeEach(() => {
  Object.assign(aws.account, { stacks: {}, tables: {} });
  aws.account.calls.length = 0;
  notices = [];
  rmSync(join(folder, 'stages'), { recursive: true, force: true });
});
afterAll(async () => {
  await aws.close();
  rmSync(folder, { recursive: true });
});

const defaults = { table: '', tableStreamArn: '', alarmTopicArn: '', slackApiUrl: 'https://slack.com/api' };
const stream = 'arn:aws:dynamodb:us-east-1:111111111111:table/linkgate-prod-restored/stream/1';
const restored = { table: 'linkgate-prod-restored', tableStreamArn: stream };
const alarms = { alarmTopicArn: 'arn:aws:sns:us-east-1:111111111111:on-call' };

type Hook = keyof Packaging['hooks'];

/** Runs a hook of the plugin, as Serverless does for the stage prod. */
async function run(hook: Hook, settings: Partial<typeof defaults> = {}, param?: readonly string[]) {
  const Parameters = Object.fromEntries(
    Object.entries({ ...defaults, ...settings }).map(([name, Default]) => [name, { Default }]),
  );
  const serverless = {
    serviceDir: folder,
    service: {
      provider: { stage: 'prod', compiledCloudFormationTemplate: { Parameters, Resources: {} } },
      resources: { Parameters },
      getAllFunctions: () => [],
    },
    classes: { Error },
    getProvider: () => ({
      naming: { getStackName: () => 'linkgate-prod' },
      getRegion: () => 'us-east-1',
      getAwsSdkV3Config: async () => ({
        region: 'us-east-1',
        endpoint: aws.endpoint,
        credentials: { accessKeyId: '111111111111', secretAccessKey: 'unused' },
        maxAttempts: 1,
      }),
    }),
  };
  const log = { notice: (text: string) => notices.push(text) };
  await new Packaging(serverless, param ? { param } : {}, { log }).hooks[hook]();
}

const deploy = (settings: Partial<typeof defaults> = {}, param?: readonly string[]) =>
  run('before:deploy:deploy', settings, param);

/** Creates the stack of a successful deployment. */
function setRunningStack(settings: Partial<typeof defaults>) {
  const parameters = { ...defaults, ...settings };
  const TableName = parameters.table || 'linkgate-prod';
  aws.account.stacks['linkgate-prod'] = { parameters, outputs: { TableName } };
  aws.account.tables[TableName] = true;
}

function stageFile(text: string) {
  mkdirSync(join(folder, 'stages'));
  writeFileSync(join(folder, 'stages/prod.yml'), text);
}

async function readErrorMessage(deploying: Promise<unknown>): Promise<string> {
  const error = await deploying.then(
    () => new Error('it was not refused'),
    (refusal: Error) => refusal,
  );
  return error.message;
}

describe('the file of a stage', () => {
  const check = () => run('before:package:initialize');

  test('may be missing, so that every setting has its default', async () => {
    await check();
    expect(notices).toEqual(['there is no stages/prod.yml: every setting has its default']);
  });

  test('contains settings, each of which is optional', async () => {
    stageFile(`alarmTopicArn: ${alarms.alarmTopicArn}\n`);
    await check();
    expect(notices).toEqual(['stages/prod.yml sets alarmTopicArn']);
  });

  test.each([
    ['alarmTopicARNs: x', 'there is no setting `alarmTopicARNs`; did you mean `alarmTopicArn`?'],
    ['colour: blue', 'settings are table, tableStreamArn, alarmTopicArn, slackApiUrl'],
    ['__proto__: x', 'there is no setting `__proto__`'],
    ['table: 12', '`table` has to be text'],
    ['table:', '`table` has to be text'],
    ['- table', 'stages/prod.yml has to hold `setting: value` lines'],
  ])('%s is refused', async (text, message) => {
    stageFile(text);
    expect(await readErrorMessage(check())).toContain(message);
  });

  test.each([
    ['table=restored', '`table` is a setting: write it into stages/prod.yml'],
    ['chnge=table', 'there is no --param `chnge`; did you mean `change`?'],
  ])('is the only source of settings: --param="%s" is refused', async (param, message) => {
    for (const hook of ['before:package:initialize', 'before:deploy:deploy'] as const)
      expect(await readErrorMessage(run(hook, {}, [param]))).toContain(message);
    expect(aws.account.calls).toEqual([]);
  });

  test('is read without credentials and without calls to AWS', async () => {
    await check();
    expect(aws.account.calls).toEqual([]);
  });
});

describe('a deployment', () => {
  test('that is the first of its stage may have any settings', async () => {
    await deploy({ ...alarms });
  });

  test('that changes no setting succeeds', async () => {
    setRunningStack({ ...restored, ...alarms });
    await deploy({ ...restored, ...alarms });
  });

  test.each([
    [
      'drops the table',
      { ...restored, ...alarms },
      alarms,
      { table: restored.table, tableStreamArn: stream },
    ],
    ['drops the topic of alarms', alarms, {}, alarms],
  ])('that %s is refused with the current and the new value', async (_what, runs, deployed, lostSettings) => {
    setRunningStack(runs);
    const message = await readErrorMessage(deploy(deployed));
    for (const [name, value] of Object.entries(lostSettings))
      expect(message).toContain(`${name}: it runs with \`${value}\`, and would with nothing`);
    expect(message).toContain('stages/prod.yml');
    expect(message).toContain(
      `npx serverless deploy --stage prod --region us-east-1 --param="change=${Object.keys(lostSettings).join(',')}"`,
    );
  });

  test('that changes a setting, or sets one that had its default, is refused', async () => {
    setRunningStack(alarms);
    const message = await readErrorMessage(
      deploy({ alarmTopicArn: 'arn:other', slackApiUrl: 'https://slack-gov.com/api' }),
    );
    expect(message).toContain(
      `alarmTopicArn: it runs with \`${alarms.alarmTopicArn}\`, and would with \`arn:other\``,
    );
    expect(message).toContain(
      'slackApiUrl: it runs with `https://slack.com/api`, and would with `https://slack-gov.com/api`',
    );
  });

  test('that names each change succeeds, and is refused for a change that it does not name', async () => {
    setRunningStack({ ...restored, ...alarms });
    aws.account.tables = {};
    await deploy(alarms, ['change=table,tableStreamArn']);
    const message = await readErrorMessage(deploy({}, ['change=table', 'change=tableStreamArn']));
    expect(message).toContain('alarmTopicArn: it runs with');
    expect(message).toContain('--param="change=table,tableStreamArn,alarmTopicArn"');
    expect(message).not.toContain('table: it runs with');
  });

  test('of a version without a setting is refused if the stack has it', async () => {
    setRunningStack(alarms);
    Object.assign(aws.account.stacks['linkgate-prod']?.parameters ?? {}, { replyTo: 'ops@example.com' });
    expect(await readErrorMessage(deploy(alarms))).toContain(
      'replyTo: it runs with `ops@example.com`, and would with nothing',
    );
    await deploy(alarms, ['change=replyTo']);
  });

  test('after a failed first deployment succeeds, because that stack has neither settings nor table', async () => {
    aws.account.stacks['linkgate-prod'] = {
      parameters: {},
      outputs: { ServerlessDeploymentBucketName: 'b' },
    };
    await deploy(alarms);
  });
});

describe('a retained table of an earlier stack', () => {
  const expectTableExists = async (deploying: Promise<unknown>) => {
    const message = await readErrorMessage(deploying);
    expect(message).toContain('there is a table linkgate-prod already');
    expect(message).toContain('table: linkgate-prod\n');
    expect(message).toContain(
      'tableStreamArn: arn:aws:dynamodb:us-east-1:111111111111:table/linkgate-prod/stream/1',
    );
    expect(message).toContain('aws dynamodb delete-table --region us-east-1 --table-name linkgate-prod');
  };

  test('stops a first deployment with commands to use or to delete it', async () => {
    aws.account.tables['linkgate-prod'] = true;
    await expectTableExists(deploy());
  });

  test('stops a deployment that returns from a restored table', async () => {
    setRunningStack(restored);
    aws.account.tables['linkgate-prod'] = true;
    await expectTableExists(deploy({}, ['change=table,tableStreamArn']));
  });

  test('does not stop a deployment that uses it', async () => {
    aws.account.tables['linkgate-prod'] = true;
    await deploy({ table: 'linkgate-prod', tableStreamArn: stream });
  });
});

describe('after a successful deployment', () => {
  test('its table has deletion protection, which is switched on once', async () => {
    aws.account.tables['linkgate-prod'] = false;
    await run('after:deploy:deploy');
    expect(aws.account.tables['linkgate-prod']).toBe(true);
    await run('after:deploy:deploy');
    expect(aws.account.calls).toEqual(['DescribeTable', 'UpdateTable', 'DescribeTable']);
  });

  test('a table that the settings name is not changed', async () => {
    await run('after:deploy:deploy', restored);
    expect(aws.account.calls).toEqual([]);
  });
});

test('Serverless’ own rollback is refused, because it restores old settings', async () => {
  expect(await readErrorMessage(run('before:rollback:initialize'))).toContain(
    'check out that version and deploy it',
  );
});
