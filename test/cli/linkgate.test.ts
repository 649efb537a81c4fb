import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { fakeAws, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const bin = fileURLToPath(new URL('../../cli/linkgate.mjs', import.meta.url));

/** Runs linkgate in its own process, from another folder. */
function linkgate(argv: readonly string[], url = aws.url) {
  const env = { ...process.env, AWS_ENDPOINT_URL: url, AWS_REGION: 'eu-west-1' };
  return run(process.execPath, [bin, ...argv], { cwd: tmpdir(), env });
}

function run(
  file: string,
  argv: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) =>
    execFile(file, argv, options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    ),
  );
}

test('the command runs from any folder and prints one document', async () => {
  aws.respond = () => ({ body: { services: [] } });
  const output = await linkgate(['service', 'list', '--json']);
  expect(output).toEqual({ code: 0, stdout: '{\n  "services": []\n}\n', stderr: '' });
});

test('the command runs through symbolic links on the PATH, as `npm link` creates them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'linkgate-path-'));
  try {
    symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), join(folder, 'package'));
    symlinkSync('package/cli/linkgate.mjs', join(folder, 'linkgate'));
    const PATH = [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
    const options = { cwd: folder, env: { ...process.env, PATH } };
    expect(await run('linkgate', ['--version'], options)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the process exits with the exit code of the command', async () => {
  expect(await linkgate(['allow', '123'])).toMatchObject({ code: 2, stdout: '' });
});

test('a sandbox that is not running results in an error with its URL and start command', async () => {
  const closedAws = await fakeAws();
  await closedAws.close();
  const output = await linkgate(['service', 'list', '--json'], closedAws.url);
  const message = `nothing answers at ${closedAws.url}: is the sandbox running? Start it with \`npm start\``;
  expect(output).toEqual({
    code: 1,
    stdout: `${JSON.stringify({ error: { code: 'Unreachable', message } }, undefined, 2)}\n`,
    stderr: `error: ${message}\n`,
  });
});
