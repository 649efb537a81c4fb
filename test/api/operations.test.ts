import { beforeEach, expect, test } from '@jest/globals';
import { operationsKey } from '../../lib/approvers/operations-recipients.ts';
import { alice, noon } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { callApi } from './call-api.ts';

const changed = { changedAt: noon.toISOString(), changedBy: alice };

let env: TestEnv;
beforeEach(() => {
  env = createTestEnv();
});

test('nobody gets operations notices at first', async () => {
  expect(await callApi(env, 'GET /operations')).toEqual({
    status: 200,
    body: { operations: { emails: [] } },
  });
});

test('the recipients are replaced, and each address is subscribed to the operations topic', async () => {
  await callApi(env, 'PUT /operations', { slackChannel: 'C01OPS', emails: ['Night@example.com'] });
  env.operationsSubscriptions.set('night@example.com', {
    arn: 'arn:1',
    filterAddresses: ['night@example.com'],
  });
  env.operationsSubscriptions.set('siem@example.com', { arn: 'arn:2' });
  const { body } = await callApi(env, 'PUT /operations', { emails: ['day@example.com'] });
  expect(body).toEqual({
    operations: { emails: ['day@example.com'], ...changed },
    warnings: [expect.stringContaining('day@example.com has to confirm')],
  });
  expect(await callApi(env, 'GET /operations')).toMatchObject({ body: { operations: body.operations } });
  expect([...env.operationsSubscriptions.keys()].sort()).toEqual(['day@example.com', 'siem@example.com']);
});

test('a warning says that notices go nowhere', async () => {
  const { body } = await callApi(env, 'PUT /operations', {});
  expect(body.warnings).toEqual([expect.stringContaining('linkgate operations set --slack-channel')]);
});

test('recipients of a newer linkgate are neither shown nor replaced', async () => {
  env.put({ ...operationsKey, version: 1, schemaVersion: '2.0', emails: [] });
  for (const [method, body] of [['GET'], ['PUT', { slackChannel: 'C01OPS' }]] as const)
    expect((await callApi(env, `${method} /operations`, body)).body.error).toMatchObject({
      message: expect.stringContaining('deploy the newer version again'),
    });
});
