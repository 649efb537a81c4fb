import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type FakeAws, fakeAws } from './world.ts';

let aws: FakeAws;
beforeAll(async () => {
  aws = await fakeAws();
});
afterAll(() => aws.close());

const bin = fileURLToPath(new URL('../../cli/linkgate.mjs', import.meta.url));

/** As a process of its own, started from another folder. */
function linkgate(
  argv: readonly string[],
  url = aws.url,
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { ...process.env, AWS_ENDPOINT_URL: url, AWS_REGION: 'eu-west-1' };
  return new Promise((resolve) =>
    execFile(process.execPath, [bin, ...argv], { cwd: tmpdir(), env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    ),
  );
}

test('the command runs from any folder and prints one document', async () => {
  aws.respond = () => ({ body: { services: [] } });
  const told = await linkgate(['service', 'list', '--json']);
  expect(told).toEqual({ code: 0, stdout: '{\n  "services": []\n}\n', stderr: '' });
});

test('its exit code is that of the command', async () => {
  expect(await linkgate(['allow', '123'])).toMatchObject({ code: 2, stdout: '' });
});

test('a sandbox that does not run is named, and how to start it', async () => {
  const gone = await fakeAws();
  await gone.close();
  const told = await linkgate(['service', 'list', '--json'], gone.url);
  expect(told).toEqual({
    code: 1,
    stdout: '',
    stderr: `error: nothing answers at ${gone.url}: is the sandbox running? Start it with \`npm start\`\n`,
  });
});
