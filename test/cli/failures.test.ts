import { beforeEach, describe, expect, test } from '@jest/globals';
import { endpointId, service, serviceId } from './answers.ts';
import { errorBody, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();
beforeEach(() => {
  aws.respond = () => undefined;
});

describe('an unknown command or option', () => {
  test.each([
    ['servce list', "unknown command 'servce'", 'service'],
    ['service lst', "unknown command 'lst'", 'list'],
    ['allowlist shwo', "unknown command 'shwo'", 'show'],
    ['connections --wating', "unknown option '--wating'", '--waiting'],
    ['service add --nmae payments', "unknown option '--nmae'", '--name'],
    [`service add ${serviceId} --on-unlistd ask`, "unknown option '--on-unlistd'", '--on-unlisted'],
    ['allowlist --servce payments', "unknown option '--servce'", '--service'],
  ])('in `linkgate %s` is a usage error with the closest valid name', async (line, message, closest) => {
    const { code, stdout, stderr } = await runCli(line, aws);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.toLowerCase()).toMatch(new RegExp(`did you mean \`?${closest}\`?\\?`));
    expect(aws.apiRequests).toEqual([]);
  });

  test.each(['service --frobnicate', 'frobnicate', 'connections --frobnicate'])(
    'in `linkgate %s` is printed without a suggestion if no valid name is close',
    async (line) => {
      const { code, stderr } = await runCli(line, aws);
      expect(code).toBe(2);
      expect(stderr).toMatch(/unknown (option|command) '(--)?frobnicate'/);
    },
  );
});

describe('with --json a failure prints one document and keeps its exit code:', () => {
  const document = async (line: string | readonly string[]) => {
    const { code, stdout } = await runCli(line, aws);
    return { exitCode: code, ...JSON.parse(stdout) };
  };

  test.each([
    [
      'an unknown option',
      'connections --wating --json',
      "unknown option '--wating'\n(Did you mean --waiting?)",
    ],
    ['an unknown command', 'servce list --json', "unknown command 'servce'\n(Did you mean service?)"],
    ['a missing argument', 'explain --json', "missing required argument 'endpointId'"],
    ['a missing option', `deny ${endpointId} --json`, "required option '--reason <text>' not specified"],
    [
      'no endpoint and no account',
      'revoke --json',
      'name an endpoint, or an account: linkgate revoke --account …',
    ],
  ])('%s', async (_what, line, message) => {
    expect(await document(line)).toEqual({ exitCode: 2, error: { code: 'UsageError', message } });
  });

  test('an error of the API, with its code', async () => {
    aws.respond = () => ({
      status: 404,
      body: errorBody('UnknownService', 'no service `nobody` is registered'),
    });
    expect(await document('service show nobody --json')).toEqual({
      exitCode: 1,
      error: { code: 'UnknownService', message: 'no service `nobody` is registered' },
    });
  });

  test('a confirmation without a terminal', async () => {
    aws.respond = () => ({ body: { connections: [], entries: [] } });
    expect(await document('lockdown 012345678901 --json')).toEqual({
      exitCode: 2,
      error: { code: 'UsageError', message: 'nobody can be asked here, so nothing was done: say --yes' },
    });
  });

  test('a missing deployment', async () => {
    const parameters = aws.parameters;
    aws.parameters = {};
    expect(await document('connections --json')).toMatchObject({
      exitCode: 1,
      error: { code: 'NoDeployment', message: expect.stringContaining('there is no linkgate') },
    });
    aws.parameters = parameters;
  });

  test('control characters from the API are escaped', async () => {
    aws.respond = () => ({ status: 409, body: errorBody('Conflict', 'red \u001b[31m') });
    const { stdout } = await runCli('service list --json', aws);
    expect(stdout).toContain('red \\u001b[31m');
  });

  test('a failed check after the result prints only the result', async () => {
    const check = {
      group: 'deployment',
      name: 'mode',
      status: 'failed',
      detail: 'observe',
      remedy: 'enforce',
    };
    aws.respond = () => ({ body: { checks: [check] } });
    const { code, stdout } = await runCli('doctor --json', aws);
    expect({ code, document: JSON.parse(stdout) }).toEqual({ code: 3, document: { checks: [check] } });
  });
});

test('a failure without --json prints nothing on standard output', async () => {
  aws.respond = () => ({ status: 409, body: errorBody('Conflict', 'others are changing it') });
  expect(await runCli('service list', aws)).toMatchObject({ code: 1, stdout: '' });
  expect(await runCli(['service', 'show', service.name, '--', '--json'], aws)).toMatchObject({
    stdout: '',
  });
});
