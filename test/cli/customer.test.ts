import { describe, expect, test } from '@jest/globals';
import { runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const customer = {
  name: 'initech',
  accounts: ['444455556666', '777788889999'],
  contact: { email: 'ops@initech.example' },
  contractEndsAt: '2031-12-31T23:59:59.999Z',
};
const set = ['customer', 'set', 'initech', '--account', '444455556666'];

describe('customer set', () => {
  test('sends every setting', async () => {
    aws.respond = () => ({ body: { customer, warnings: ['has to confirm'] } });
    const { code, stdout, stderr } = await runCli(
      [
        ...set,
        ...['--account', '777788889999', '--contact-email', 'ops@initech.example'],
        ...['--owner', 'bob@example.com', '--contract-ends', '2031-12-31'],
      ],
      aws,
    );
    expect([code, stderr]).toEqual([0, 'warning: has to confirm\n']);
    expect(stdout).toContain('contract ends 2031-12-31');
    expect(aws.apiRequests.at(-1)).toMatchObject({
      method: 'PUT',
      path: '/api/customers/initech',
      body: {
        accounts: customer.accounts,
        contact: customer.contact,
        owners: ['mailto:bob@example.com'],
        contractEndsAt: expect.stringMatching(/^2031-12-31T23:59:59/),
      },
    });
  });

  test('rejects the name __proto__ with the valid format', async () => {
    const { code, stderr } = await runCli(['customer', 'set', '__proto__', '--account', '444455556666'], aws);
    expect(code).toBe(2);
    expect(stderr).toContain("'__proto__'");
    expect(stderr).toContain('A customer has a name of letters, digits, dots, hyphens and underscores.');
  });

  test("accepts an address such as sean.o'brien@…, and prints the ASCII form of an internationalized domain", async () => {
    aws.respond = () => ({ body: { customer, warnings: [] } });
    const email = "sean.o'brien+ops@xn--bcher-kva.example";
    expect(await runCli([...set, '--contact-email', email], aws)).toMatchObject({ code: 0 });
    expect(aws.apiRequests.at(-1)?.body).toMatchObject({ contact: { email } });
    const { code, stderr } = await runCli([...set, '--contact-email', 'ops@bücher.example'], aws);
    expect(code).toBe(2);
    expect(stderr).toContain('An e-mail address has its domain in ASCII: ops@xn--bcher-kva.example.');
  });

  test('accepts either a topic or an address', async () => {
    aws.respond = () => ({ body: { customer, warnings: [] } });
    const topic = ['--contact-topic', 'arn:aws:sns:us-east-1:444455556666:linkgate-notices'];
    expect(await runCli([...set, ...topic], aws)).toMatchObject({ code: 0 });
    expect(aws.apiRequests.at(-1)?.body).toMatchObject({ contact: { topicArn: topic[1] } });
    expect(await runCli([...set, ...topic, '--contact-email', 'a@b.example'], aws)).toMatchObject({
      code: 2,
    });
  });

  test.each([
    [['customer', 'set', 'initech']],
    [['customer', 'set', 'in/itech', '--account', '444455556666']],
    [[...set, '--contact-topic', 'arn:aws:sns:us-east-1:444455556666:notices']],
    [[...set, '--contact-email', 'ops']],
  ])('is a usage error with %j', async (argv) => {
    expect(await runCli(argv, aws)).toMatchObject({ code: 2 });
    expect(aws.apiRequests).toEqual([]);
  });
});

describe('customer list', () => {
  test('prints failed deliveries with their reasons', async () => {
    const delivery = { status: 'unconfirmed', detail: 'the reader has not confirmed' };
    aws.respond = () => ({ body: { customers: [{ ...customer, delivery }] } });
    const { stdout } = await runCli(['customer', 'list'], aws);
    for (const text of ['initech', 'ops@initech.example', '444455556666', 'has not confirmed'])
      expect(stdout).toContain(text);
  });

  test('prints the command that adds the first customer', async () => {
    aws.respond = () => ({ body: { customers: [] } });
    expect((await runCli(['customer', 'list'], aws)).stdout).toContain('linkgate customer set');
  });
});

test('`customer remove` prints that the contact is no longer notified', async () => {
  aws.respond = ({ method }) => (method === 'DELETE' ? { body: { customer, warnings: [] } } : undefined);
  expect((await runCli(['customer', 'remove', 'initech'], aws)).stdout).toContain(
    'is removed, and its contact is no longer notified',
  );
});
