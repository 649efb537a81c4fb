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

/** The stack of a successful deployment. */
function running(settings: Partial<typeof defaults>) {
  const parameters = { ...defaults, ...settings };
  const TableName = parameters.table || 'linkgate-prod';
  aws.account.stacks['linkgate-prod'] = { parameters, outputs: { TableName } };
  aws.account.tables[TableName] = true;
}

function stageFile(text: string) {
  mkdirSync(join(folder, 'stages'));
  writeFileSync(join(folder, 'stages/prod.yml'), text);
}

async function messageOf(deploying: Promise<unknown>): Promise<string> {
  const error = await deploying.then(
    () => new Error('it was not refused'),
    (refusal: Error) => refusal,
  );
  return error.message;
}

describe('the file of a stage', () => {
  const check = () => run('before:package:initialize');

  test('may be missing: every setting has its default then', async () => {
    await check();
    expect(notices).toEqual(['there is no stages/prod.yml: every setting has its default']);
  });

  test('says settings, each of which it may leave out', async () => {
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
    expect(await messageOf(check())).toContain(message);
  });

  test.each([
    ['table=restored', '`table` is a setting: write it into stages/prod.yml'],
    ['chnge=table', 'there is no --param `chnge`; did you mean `change`?'],
  ])('is the only place of a setting: --param="%s" is refused', async (param, message) => {
    for (const hook of ['before:package:initialize', 'before:deploy:deploy'] as const)
      expect(await messageOf(run(hook, {}, [param]))).toContain(message);
    expect(aws.account.calls).toEqual([]);
  });

  test('is read without credentials and without AWS', async () => {
    await check();
    expect(aws.account.calls).toEqual([]);
  });
});

describe('a deployment', () => {
  test('that is the first of its stage says whatever it likes', async () => {
    await deploy({ ...alarms });
  });

  test('that leaves every setting as it runs goes on', async () => {
    running({ ...restored, ...alarms });
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
  ])('that %s is refused, with what runs and what would', async (_what, runs, deployed, lost) => {
    running(runs);
    const message = await messageOf(deploy(deployed));
    for (const [name, value] of Object.entries(lost))
      expect(message).toContain(`${name}: it runs with \`${value}\`, and would with nothing`);
    expect(message).toContain('stages/prod.yml');
    expect(message).toContain(
      `npx serverless deploy --stage prod --region us-east-1 --param="change=${Object.keys(lost).join(',')}"`,
    );
  });

  test('that changes a setting, or sets one that had its default, is refused as well', async () => {
    running(alarms);
    const message = await messageOf(
      deploy({ alarmTopicArn: 'arn:other', slackApiUrl: 'https://slack-gov.com/api' }),
    );
    expect(message).toContain(
      `alarmTopicArn: it runs with \`${alarms.alarmTopicArn}\`, and would with \`arn:other\``,
    );
    expect(message).toContain(
      'slackApiUrl: it runs with `https://slack.com/api`, and would with `https://slack-gov.com/api`',
    );
  });

  test('that names each change goes on, and is refused for one that it does not name', async () => {
    running({ ...restored, ...alarms });
    aws.account.tables = {};
    await deploy(alarms, ['change=table,tableStreamArn']);
    const message = await messageOf(deploy({}, ['change=table', 'change=tableStreamArn']));
    expect(message).toContain('alarmTopicArn: it runs with');
    expect(message).toContain('--param="change=table,tableStreamArn,alarmTopicArn"');
    expect(message).not.toContain('table: it runs with');
  });

  test('of a version that does not know a setting is refused where it runs with one', async () => {
    running(alarms);
    Object.assign(aws.account.stacks['linkgate-prod']?.parameters ?? {}, { replyTo: 'ops@example.com' });
    expect(await messageOf(deploy(alarms))).toContain(
      'replyTo: it runs with `ops@example.com`, and would with nothing',
    );
    await deploy(alarms, ['change=replyTo']);
  });

  test('after one that failed the first time goes on: that stack has neither settings nor table', async () => {
    aws.account.stacks['linkgate-prod'] = {
      parameters: {},
      outputs: { ServerlessDeploymentBucketName: 'b' },
    };
    await deploy(alarms);
  });
});

describe('a table that is left of an earlier stack', () => {
  const inTheWay = async (deploying: Promise<unknown>) => {
    const message = await messageOf(deploying);
    expect(message).toContain('there is a table linkgate-prod already');
    expect(message).toContain('table: linkgate-prod\n');
    expect(message).toContain(
      'tableStreamArn: arn:aws:dynamodb:us-east-1:111111111111:table/linkgate-prod/stream/1',
    );
    expect(message).toContain('aws dynamodb delete-table --region us-east-1 --table-name linkgate-prod');
  };

  test('stops a first deployment before it begins, which says how to go on with it and without', async () => {
    aws.account.tables['linkgate-prod'] = true;
    await inTheWay(deploy());
  });

  test('stops one that goes back from a restored table, too', async () => {
    running(restored);
    aws.account.tables['linkgate-prod'] = true;
    await inTheWay(deploy({}, ['change=table,tableStreamArn']));
  });

  test('stops none that goes on with it', async () => {
    aws.account.tables['linkgate-prod'] = true;
    await deploy({ table: 'linkgate-prod', tableStreamArn: stream });
  });
});

describe('once a deployment has ended well', () => {
  test('its table is protected against deletion, and where it is already nothing is changed', async () => {
    aws.account.tables['linkgate-prod'] = false;
    await run('after:deploy:deploy');
    expect(aws.account.tables['linkgate-prod']).toBe(true);
    await run('after:deploy:deploy');
    expect(aws.account.calls).toEqual(['DescribeTable', 'UpdateTable', 'DescribeTable']);
  });

  test('a table that the settings name is left to whoever made it', async () => {
    await run('after:deploy:deploy', restored);
    expect(aws.account.calls).toEqual([]);
  });
});

test('Serverless’ own rollback is refused, since it brings the settings of its day back', async () => {
  expect(await messageOf(run('before:rollback:initialize'))).toContain(
    'check out that version and deploy it',
  );
});
