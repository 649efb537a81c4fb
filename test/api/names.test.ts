import { describe, expect, test } from '@jest/globals';
import { aService, consumer, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { aDocument, blocking } from '../policy-as-code/fixtures.ts';
import { ask } from './ask.ts';

const slackUsers = [{ team: 'T01', user: 'U01ALICE' }];

describe.each(['prototype', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
  'the name %s',
  (name) => {
    test('is a group, a customer and a service of whom the API keeps what it is told', async () => {
      const world = createTestEnv({ services: [aService({ name })] });
      const put = (path: string, body: object) => ask(world, 'PUT', path, body);
      await put(`/approvers/${name}`, { slackUsers });
      await put(`/customers/${name}`, { accounts: [consumer] });
      await put(`/allowlist/${name}/${consumer}`, { effect: 'block' });
      const { body } = await ask(world, 'GET', '/policy');
      expect(body).toMatchObject({
        document: {
          groups: [{ name }, { name: 'default' }].sort((a, b) => (a.name < b.name ? -1 : 1)),
          services: [{ serviceId: serviceId(1), name }],
          customers: [{ name, accounts: [consumer] }],
          entries: [{ service: name, accountId: consumer, effect: 'block' }],
        },
      });
      expect(await ask(world, 'DELETE', `/customers/${name}`)).toMatchObject({ status: 200 });
    });

    test('is carried out where a policy has it', async () => {
      const world = createTestEnv({ services: [aService({ name })] });
      const document = aDocument({
        groups: [{ name, quorum: 1, slackUsers, emails: [] }],
        services: [{ serviceId: serviceId(1), name, approvers: name }],
        customers: [{ name, accounts: [consumer] }],
        entries: [{ ...blocking(consumer, name), customer: name }],
      });
      const { body } = await ask(world, 'POST', '/plans', { document, adopt: true });
      const { planId } = body.plan as { planId: string };
      expect(await ask(world, 'POST', `/plans/${planId}/apply`)).toMatchObject({
        body: { apply: { status: 'done' } },
      });
      expect((await ask(world, 'GET', '/allowlist')).body).toMatchObject({
        entries: [{ service: name, effect: 'block', customer: name }],
      });
      expect((await ask(world, 'GET', `/services/${name}`)).body).toMatchObject({
        service: { approvers: name },
      });
    });
  },
);

test.each(['prototype', 'constructor', '__proto__'])('a field %s of a body is refused', async (name) => {
  const world = createTestEnv();
  // Of an object with this in JSON, JavaScript makes a field of its own.
  const answer = await ask(world, 'PUT', `/customers/acme`, `{"accounts":["${consumer}"],"${name}":{}}`);
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining(`${name}: there is no such field`) } },
  });
});
