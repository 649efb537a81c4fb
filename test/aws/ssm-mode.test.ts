import { ParameterAlreadyExists, type SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from '@jest/globals';
import { modeOrFailSafe, ssmMode, ssmModeParameter } from '../../lib/aws/ssm-mode.ts';
import { noon } from '../builders.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

const alreadyThere = new ParameterAlreadyExists({ message: 'already there', $metadata: {} });

/** Reads the mode from a stubbed SSM response. @returns the mode, the reported errors and the requests */
async function readStubbedMode(answer: unknown) {
  const { client, sent } = stubSdkClient<SSMClient>(answer);
  const errors: unknown[] = [];
  const mode = await modeOrFailSafe(ssmMode(client, '/linkgate/test/mode'), (error) => errors.push(error))();
  return { mode, errors, sent };
}

test('each read gets the mode from SSM', async () => {
  const { mode, sent } = await readStubbedMode({ Parameter: { Value: 'enforce' } });
  expect(mode).toBe('enforce');
  expect(sent).toEqual([{ command: 'GetParameter', input: { Name: '/linkgate/test/mode' } }]);
});

test.each(['observe', 'Act', ''])('the value `%s` counts as observe', async (Value) => {
  expect(await readStubbedMode({ Parameter: { Value } })).toMatchObject({ mode: 'observe' });
});

test('a mode that cannot be read counts as observe, and is reported', async () => {
  const error = awsError('AccessDeniedException');
  expect(await readStubbedMode(error)).toMatchObject({ mode: 'observe', errors: [error] });
});

test('writing the mode overwrites the parameter', async () => {
  const { client, sent } = stubSdkClient<SSMClient>();
  await ssmModeParameter(client, '/linkgate/test/mode').write('observe');
  expect(sent).toEqual([
    {
      command: 'PutParameter',
      input: { Name: '/linkgate/test/mode', Value: 'observe', Type: 'String', Overwrite: true },
    },
  ]);
});

test('creating the mode does not overwrite an existing parameter', async () => {
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
  ['before the caller read its data counts', '2026-11-21T11:59:59.999Z', 'enforce'],
  ['after that counts as observe until the next read', '2026-11-21T12:00:00.000Z', 'observe'],
])('a mode that was changed %s', async (_, changedAt, expected) => {
  const read = async () => ({ mode: 'enforce' as const, changedAt });
  expect(await modeOrFailSafe(read, () => {})(noon)).toBe(expected);
});

test.each([
  ['banana', { mode: 'observe', unknownValue: 'banana' }],
  ['observe', { mode: 'observe' }],
])('the parameter value `%s` is read as %j: only an unknown value is reported', async (Value, read) => {
  const { client } = stubSdkClient<SSMClient>({ Parameter: { Value, LastModifiedDate: noon } });
  expect(await ssmMode(client, '/linkgate/test/mode')()).toEqual({ ...read, changedAt: noon.toISOString() });
});
