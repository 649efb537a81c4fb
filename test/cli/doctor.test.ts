import { describe, expect, test } from '@jest/globals';
import { endpointId, serviceId } from './answers.ts';
import { runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

/** Responds with one page after another, each with the token of the next. */
function answerPages(...pages: readonly object[]): void {
  aws.respond = ({ path }) => {
    const index = Number(new URL(path, 'http://api').searchParams.get('nextToken') ?? 0);
    const next = index + 1 < pages.length ? { nextToken: String(index + 1) } : {};
    return { body: { ...pages[index], ...next } };
  };
}

const ok = {
  group: 'deployment',
  name: 'table',
  subject: null,
  status: 'ok',
  detail: 'it is active',
  remedy: null,
};
const warning = {
  ...ok,
  name: 'mode',
  status: 'warning',
  detail: 'observe since noon',
  remedy: 'linkgate mode enforce',
};
const failed = {
  group: 'services',
  name: 'tag',
  subject: 'payments',
  status: 'failed',
  detail: 'it is missing',
  remedy: `linkgate service add ${serviceId}\nand look again`,
};

describe('doctor', () => {
  test('prints the checks of all pages by group, each with its remedy as a command on one line', async () => {
    answerPages({ checks: [ok, warning] }, { checks: [failed] });
    const { code, stdout, stderr } = await runCli('doctor', aws);
    expect(stdout).toBe(`deployment
  ok       table  it is active
  warning  mode   observe since noon
           linkgate mode enforce

services
  FAILED   tag  payments: it is missing
           linkgate service add ${serviceId}
           and look again

checks: 3 (ok: 1, warning: 1, failed: 1)
`);
    expect({ code, stderr }).toEqual({ code: 3, stderr: 'error: one check failed\n' });
  });

  const long = `${'these words go on '.repeat(5)}:\naws sqs ${'x'.repeat(90)}`;

  test('prints passed checks in one line, and wraps text that is not a command', async () => {
    const checks = [
      ok,
      { ...ok, name: 'table-stream' },
      { ...ok, name: 'table' },
      { ...warning, remedy: long },
    ];
    answerPages({ checks });
    const { stdout } = await runCli('doctor', aws, { columns: 50 });
    expect(stdout).toBe(`deployment
  ok       3 checks: table, table-stream
  warning  mode  observe since noon
           these words go on these words go on
           these words go on these words go on
           these words go on :
           aws sqs ${'x'.repeat(90)}

checks: 4 (ok: 3, warning: 1, failed: 0)
`);
    const whole = await runCli('doctor --all', aws);
    expect(whole.stdout.match(/it is active/g)).toHaveLength(3);
  });

  test('exits with 0 if there are only warnings', async () => {
    answerPages({ checks: [ok, warning] });
    const { code, stdout } = await runCli('doctor --json', aws);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ checks: [ok, warning] });
  });
});

describe('audit verify', () => {
  const broken = [{ endpointId, sequence: 2, problem: 'it was changed after it was written' }];

  test('prints the totals of all pages', async () => {
    answerPages({ verified: 50, broken: [] }, { verified: 7, broken: [] });
    const { code, stdout } = await runCli('audit verify --service payments', aws);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '57 audit trails are as written\n' });
    expect(aws.apiRequests[0]?.path).toBe('/api/audit/verification?service=payments');
  });

  test('lists broken trails and exits with 3', async () => {
    answerPages({ verified: 1, broken }, { verified: 0, broken: [] });
    const { code, stdout, stderr } = await runCli('audit verify', aws);
    expect(stdout).toContain(`${endpointId}  2      it was changed after it was written`);
    expect(stdout).toContain('1 audit trail is as written');
    expect({ code, stderr }).toEqual({ code: 3, stderr: 'error: 1 audit trail is broken\n' });
    const { stdout: document } = await runCli(`audit verify --json --endpoint ${endpointId}`, aws);
    expect(JSON.parse(document)).toEqual({ verified: 1, broken });
    expect(aws.apiRequests.at(-1)?.path).toContain(`?endpoint=${endpointId}`);
  });
});

test('`service list --unregistered` lists services in EC2 that are not registered, with the command that adds them', async () => {
  const region = 'eu-west-1';
  const service = { serviceId, name: null, region, acceptanceRequired: false, state: 'Available' };
  answerPages({ services: [service] }, { services: [] });
  const { code, stdout } = await runCli('service list --unregistered', aws);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`${serviceId} .*eu-west-1 .*Available .*not required`));
  expect(stdout).toContain('linkgate service add');
  expect(aws.apiRequests[0]?.path).toBe('/api/services?unregistered=true');
});
