import type { SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from '@jest/globals';
import { ssmMode } from '../../lib/connection/ssm-mode.ts';
import { awsError, sdkClient } from '../doubles/sdk-client.ts';

/** The mode that linkgate works in where SSM answers so, and what was said about it. */
async function modeWhere(answer: unknown) {
  const { client, sent } = sdkClient<SSMClient>(answer);
  const errors: unknown[] = [];
  const mode = await ssmMode(client, '/linkgate/test/mode', (error) => errors.push(error))();
  return { mode, errors, sent };
}

test('the mode is read from its parameter each time', async () => {
  const { mode, sent } = await modeWhere({ Parameter: { Value: 'act' } });
  expect(mode).toBe('act');
  expect(sent).toEqual([{ command: 'GetParameter', input: { Name: '/linkgate/test/mode' } }]);
});

test.each(['observe', 'Act', ''])('`%s` means observe', async (Value) => {
  expect(await modeWhere({ Parameter: { Value } })).toMatchObject({ mode: 'observe' });
});

test('a mode that cannot be read means observe, and is said aloud', async () => {
  const error = awsError('AccessDeniedException');
  expect(await modeWhere(error)).toMatchObject({ mode: 'observe', errors: [error] });
});
