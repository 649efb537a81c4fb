import { expect, test } from '@jest/globals';
import { runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

test('a list omits unreadable items and prints a warning about them once on standard error', async () => {
  const warnings = ['this is without what cannot be read: item `APPROVERS` `ops` is malformed'];
  aws.respond = ({ path }) =>
    path.includes('nextToken')
      ? { body: { groups: [], warnings } }
      : { body: { groups: [], warnings, nextToken: '1' } };
  const { code, stdout, stderr } = await runCli('approvers list --json', aws);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ groups: [] });
  expect(stderr).toBe(`warning: ${warnings[0]}\n`);
});

test('an unreadable item is removed by its key, and the output lists the next steps', async () => {
  const item = { pk: 'ALLOWLIST#*', sk: '022222222222' };
  aws.respond = () => ({ body: { item, warnings: ['next step: linkgate allow'] } });
  const { code, stdout, stderr } = await runCli('item remove ALLOWLIST#* 022222222222', aws);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'warning: next step: linkgate allow\n' });
  expect(stdout).toBe('removed the item ALLOWLIST#* 022222222222\n');
  expect(aws.apiRequests).toMatchObject([
    { method: 'DELETE', path: `/api/items?pk=${encodeURIComponent(item.pk)}&sk=${item.sk}` },
  ]);
});
