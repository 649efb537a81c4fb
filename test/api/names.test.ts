import { describe, expect, test } from '@jest/globals';
import { aService, consumer, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { aDocument, blockEntry } from '../policy-as-code/fixtures.ts';
import { callApi } from './call-api.ts';

const slackUsers = [{ team: 'T01', user: 'U01ALICE' }];

describe.each(['prototype', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
  'the name %s',
  (name) => {
    test('is stored and exported for a group, a customer, a service and an entry', async () => {
      const env = createTestEnv({ services: [aService({ name })] });
      const put = (path: string, body: object) => callApi(env, `PUT ${path}`, body);
      await put(`/approvers/${name}`, { slackUsers });
      await put(`/customers/${name}`, { accounts: [consumer] });
      await put(`/allowlist/${name}/${consumer}`, { effect: 'block' });
      const { body } = await callApi(env, 'GET /policy');
      expect(body).toMatchObject({
        document: {
          groups: [{ name }, { name: 'default' }].sort((a, b) => (a.name < b.name ? -1 : 1)),
          services: [{ serviceId: serviceId(1), name }],
          customers: [{ name, accounts: [consumer] }],
          entries: [{ service: name, accountId: consumer, effect: 'block' }],
        },
      });
      expect(await callApi(env, `DELETE /customers/${name}`)).toMatchObject({ status: 200 });
    });

    test('is applied when a policy uses it', async () => {
      const env = createTestEnv({ services: [aService({ name })] });
      const document = aDocument({
        groups: [{ name, quorum: 1, slackUsers, emails: [] }],
        services: [{ serviceId: serviceId(1), name, approvers: name }],
        customers: [{ name, accounts: [consumer] }],
        entries: [{ ...blockEntry(consumer, name), customer: name }],
      });
      const { body } = await callApi(env, 'POST /plans', { document, takeOwnership: true });
      const { planId } = body.plan as { planId: string };
      expect(await callApi(env, `POST /plans/${planId}/apply`)).toMatchObject({
        body: { apply: { status: 'done' } },
      });
      expect((await callApi(env, 'GET /allowlist')).body).toMatchObject({
        entries: [{ service: name, effect: 'block', customer: name }],
      });
      expect((await callApi(env, `GET /services/${name}`)).body).toMatchObject({
        service: { approvers: name },
      });
    });
  },
);

test.each(['prototype', 'constructor', '__proto__'])('a body with the field %s is rejected', async (name) => {
  const env = createTestEnv();
  // JSON.parse creates an own property of this name.
  const answer = await callApi(env, `PUT /customers/acme`, `{"accounts":["${consumer}"],"${name}":{}}`);
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining(`${name}: unknown field`) } },
  });
});
