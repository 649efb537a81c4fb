import { expect, test } from '@jest/globals';
import { markRequested, transitionWrites } from '../../lib/connections/transition.ts';
import { aConfiguration, aRecord, aService, endpointId, noon, serviceId } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { callApi } from './call-api.ts';

/** Reads the values of one field from all pages of a response. */
async function readAllPages(env: TestEnv, path: string, name: string): Promise<unknown[]> {
  const all: unknown[] = [];
  let nextToken: unknown;
  do {
    const separator = path.includes('?') ? '&' : '?';
    const { body } = await callApi(
      env,
      `GET ${nextToken === undefined ? path : `${path}${separator}nextToken=${nextToken}`}`,
    );
    all.push(...(body[name] as unknown[]));
    nextToken = body.nextToken;
  } while (nextToken !== undefined);
  return all;
}

/** An environment with one connection and one audit entry. */
async function createEnvWithTrail() {
  const env = createTestEnv({ services: [aService()] });
  const record = aRecord({ version: 0 });
  await env.table.write(transitionWrites(undefined, markRequested(record, 'accept', noon), 'request-1'));
  return env;
}

test('the doctor returns its checks page by page', async () => {
  const checks = await readAllPages(createTestEnv({ services: [aService()] }), '/doctor', 'checks');
  expect(checks).toContainEqual({
    group: 'deployment',
    name: 'table',
    subject: null,
    status: 'ok',
    detail: 'linkgate-test is active',
    remedy: null,
  });
  expect(checks).toContainEqual(expect.objectContaining({ group: 'services' }));
});

test('the audit verification covers all trails, those of a service or that of an endpoint', async () => {
  const env = await createEnvWithTrail();
  const whole = { status: 200, body: { verified: 1, broken: [] } };
  expect(await callApi(env, 'GET /audit/verification')).toEqual(whole);
  expect(await callApi(env, 'GET /audit/verification?service=orders')).toEqual(whole);
  expect(await callApi(env, `GET /audit/verification?endpoint=${endpointId(1)}`)).toEqual(whole);
});

test('the audit verification names a trail that was tampered with', async () => {
  const env = await createEnvWithTrail();
  const key = { pk: `AUDIT#${endpointId(1)}`, sk: '000000001' };
  const [entry] = await env.table.get([key]);
  env.put({ version: 1, ...key, ...entry, actor: 'mallory' });
  const problem = 'it was changed after it was written';
  expect(await callApi(env, 'GET /audit/verification')).toEqual({
    status: 200,
    body: { verified: 0, broken: [{ endpointId: endpointId(1), sequence: 1, problem }] },
  });
});

test('unregistered services are listed with account and Region', async () => {
  const env = createTestEnv({ services: [aService()] });
  env.services.setConfiguration(aConfiguration());
  env.services.setConfiguration(aConfiguration({ serviceId: serviceId(2), nameTag: 'new' }));
  expect(await readAllPages(env, '/services?unregistered=true', 'services')).toMatchObject([
    { serviceId: serviceId(2), name: 'new', accountId: '111111111111', region: 'us-east-1' },
  ]);
});
