import { ParameterAlreadyExists, type SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from '@jest/globals';
import { modeOrFailSafe, ssmMode, ssmModeParameter } from '../../lib/aws/ssm-mode.ts';
import { noon } from '../builders.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

const alreadyThere = new ParameterAlreadyExists({ message: 'already there', $metadata: {} });

/** The mode that linkgate works in where SSM answers so, and what was said about it. */
async function modeWhere(answer: unknown) {
  const { client, sent } = stubSdkClient<SSMClient>(answer);
  const errors: unknown[] = [];
  const mode = await modeOrFailSafe(ssmMode(client, '/linkgate/test/mode'), (error) => errors.push(error))();
  return { mode, errors, sent };
}

test('the mode is read from its parameter each time', async () => {
  const { mode, sent } = await modeWhere({ Parameter: { Value: 'enforce' } });
  expect(mode).toBe('enforce');
  expect(sent).toEqual([{ command: 'GetParameter', input: { Name: '/linkgate/test/mode' } }]);
});

test.each(['observe', 'Act', ''])('`%s` means observe', async (Value) => {
  expect(await modeWhere({ Parameter: { Value } })).toMatchObject({ mode: 'observe' });
});

test('a mode that cannot be read means observe, and is said aloud', async () => {
  const error = awsError('AccessDeniedException');
  expect(await modeWhere(error)).toMatchObject({ mode: 'observe', errors: [error] });
});

test('the mode is written over what is there', async () => {
  const { client, sent } = stubSdkClient<SSMClient>();
  await ssmModeParameter(client, '/linkgate/test/mode').write('observe');
  expect(sent).toEqual([
    {
      command: 'PutParameter',
      input: { Name: '/linkgate/test/mode', Value: 'observe', Type: 'String', Overwrite: true },
    },
  ]);
});

test('the mode is made once, and never over what is there', async () => {
  const { client, sent } = stubSdkClient<SSMClient>({}, alreadyThere);
  const parameter = ssmModeParameter(client, '/linkgate/test/mode');
  expect(await parameter.createIfMissing('enforce')).toBe(true);
  expect(await parameter.createIfMissing('enforce')).toBe(false);
  const input = { Name: '/linkgate/test/mode', Value: 'enforce', Type: 'String', Overwrite: false };
  expect(sent).toEqual([
    { command: 'PutParameter', input },
    { command: 'PutParameter', input },
  ]);
});

test.each([
  ['before somebody looked counts', '2026-11-21T11:59:59.999Z', 'enforce'],
  ['since then means observe, until they look again', '2026-11-21T12:00:00.000Z', 'observe'],
])('a mode that was changed %s', async (_, changedAt, expected) => {
  const read = async () => ({ mode: 'enforce' as const, changedAt });
  expect(await modeOrFailSafe(read, () => {})(noon)).toBe(expected);
});

test.each([
  ['banana', { mode: 'observe', otherwise: 'banana' }],
  ['observe', { mode: 'observe' }],
])('of `%s` is said whether it is a mode at all', async (Value, read) => {
  const { client } = stubSdkClient<SSMClient>({ Parameter: { Value, LastModifiedDate: noon } });
  expect(await ssmMode(client, '/linkgate/test/mode')()).toEqual({ ...read, changedAt: noon.toISOString() });
});
