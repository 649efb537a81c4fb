import { beforeEach, describe, expect, test } from '@jest/globals';
import { answers, endpointId, service, serviceId } from './answers.ts';
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
  test.each<[what: string, line: string, code: string, message: string, exitCode: number]>([
    [
      'an unknown option',
      'connections --wating',
      'UsageError',
      "unknown option '--wating'\n(Did you mean --waiting?)",
      2,
    ],
    [
      'an unknown command',
      'servce list',
      'UsageError',
      "unknown command 'servce'\n(Did you mean service?)",
      2,
    ],
    ['a missing argument', 'explain', 'UsageError', "missing required argument 'endpointId'", 2],
    [
      'a missing option',
      `deny ${endpointId}`,
      'UsageError',
      "required option '--reason <text>' not specified",
      2,
    ],
    [
      'no endpoint and no account',
      'revoke',
      'UsageError',
      'name an endpoint, or an account: linkgate revoke --account …',
      2,
    ],
    ['an error of the API', 'service show nobody', 'UnknownService', 'no service `nobody` is registered', 1],
    [
      'a confirmation without a terminal',
      'lockdown 012345678901',
      'UsageError',
      'nobody can be asked here, so nothing was done: say --yes',
      2,
    ],
    [
      'a missing deployment',
      'connections --stage prod',
      'NoDeployment',
      'there is no linkgate of the stage prod in account 111111111111, Region eu-west-1: deploy it with `npx serverless deploy`, or say with --region, --stage and your AWS credentials where it is',
      1,
    ],
  ])('%s', async (_what, line, code, message, exitCode) => {
    aws.respond = ({ path }) =>
      path.includes('nobody')
        ? { status: 404, body: errorBody('UnknownService', 'no service `nobody` is registered') }
        : { body: { entries: [] } };
    const output = await runCli(`${line} --json`, aws);
    expect(JSON.parse(output.stdout)).toEqual({ error: { code, message } });
    expect(output.code).toBe(exitCode);
  });

  test('control characters from the API are escaped', async () => {
    aws.respond = () => ({ status: 409, body: errorBody('Conflict', 'red \u001b[31m') });
    const { stdout } = await runCli('service list --json', aws);
    expect(stdout).toContain('red \\u001b[31m');
  });

  test('a failed check after the result prints only the result', async () => {
    aws.answer(answers);
    const { code, stdout } = await runCli('doctor --json', aws);
    expect({ code, document: JSON.parse(stdout) }).toEqual({ code: 3, document: answers['GET /doctor'] });
  });
});

test('a failure without --json prints nothing on standard output', async () => {
  aws.respond = () => ({ status: 409, body: errorBody('Conflict', 'others are changing it') });
  expect(await runCli('service list', aws)).toMatchObject({ code: 1, stdout: '' });
  expect(await runCli(['service', 'show', service.name, '--', '--json'], aws)).toMatchObject({
    stdout: '',
  });
});
