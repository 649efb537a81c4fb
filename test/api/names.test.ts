import { describe, expect, test } from '@jest/globals';
import { aService, consumer, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { aDocument, blockEntry } from '../policy-as-code/fixtures.ts';
import { callApi } from './call-api.ts';

const slackUsers = [{ team: 'T01', user: 'U01ALICE' }];

describe.each(['prototype', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
  'the name %s',
  (name) => {
    test('is a group, a customer and a service of whom the API keeps what it is told', async () => {
      const env = createTestEnv({ services: [aService({ name })] });
      const put = (path: string, body: object) => callApi(env, 'PUT', path, body);
      await put(`/approvers/${name}`, { slackUsers });
      await put(`/customers/${name}`, { accounts: [consumer] });
      await put(`/allowlist/${name}/${consumer}`, { effect: 'block' });
      const { body } = await callApi(env, 'GET', '/policy');
      expect(body).toMatchObject({
        document: {
          groups: [{ name }, { name: 'default' }].sort((a, b) => (a.name < b.name ? -1 : 1)),
          services: [{ serviceId: serviceId(1), name }],
          customers: [{ name, accounts: [consumer] }],
          entries: [{ service: name, accountId: consumer, effect: 'block' }],
        },
      });
      expect(await callApi(env, 'DELETE', `/customers/${name}`)).toMatchObject({ status: 200 });
    });

    test('is carried out where a policy has it', async () => {
      const env = createTestEnv({ services: [aService({ name })] });
      const document = aDocument({
        groups: [{ name, quorum: 1, slackUsers, emails: [] }],
        services: [{ serviceId: serviceId(1), name, approvers: name }],
        customers: [{ name, accounts: [consumer] }],
        entries: [{ ...blockEntry(consumer, name), customer: name }],
      });
      const { body } = await callApi(env, 'POST', '/plans', { document, adopt: true });
      const { planId } = body.plan as { planId: string };
      expect(await callApi(env, 'POST', `/plans/${planId}/apply`)).toMatchObject({
        body: { apply: { status: 'done' } },
      });
      expect((await callApi(env, 'GET', '/allowlist')).body).toMatchObject({
        entries: [{ service: name, effect: 'block', customer: name }],
      });
      expect((await callApi(env, 'GET', `/services/${name}`)).body).toMatchObject({
        service: { approvers: name },
      });
    });
  },
);

test.each(['prototype', 'constructor', '__proto__'])('a field %s of a body is refused', async (name) => {
  const env = createTestEnv();
  // Of an object with this in JSON, JavaScript makes a field of its own.
  const answer = await callApi(env, 'PUT', `/customers/acme`, `{"accounts":["${consumer}"],"${name}":{}}`);
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining(`${name}: there is no such field`) } },
  });
});
