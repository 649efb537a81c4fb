import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { writePolicyFile } from '../../../cli/policy-file/write-policy-file.ts';
import { parseDocument, readBack, toStoredPolicy, withoutPositions } from './files.ts';

const serviceId = 'vpce-svc-0123456789abcdef0';

/** Sorts fields and lists. */
function sortDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => JSON.stringify(sortDeep(each))).sort();
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort()
    .map(([name, each]) => [name, sortDeep(each)]);
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const nonEmptySubset = <T>(...all: readonly T[]) => fc.subarray([...all], { minLength: 1 });
const date = fc.constantFrom('2027-01-31', '2027-06-30', '2028-01-31T12:00:00Z', '2029-02-28');
const owners = maybe(
  nonEmptySubset('T01:U01ALICE', 'bob@example.com', 'arn:aws:iam::111111111111:user/carol'),
);
const note = maybe(fc.string({ maxLength: 60 }));
const duration = maybe(fc.constantFrom('90m', '7200s', '36h', '3d', '1d'));

const group = (escalateTo: string) =>
  fc.record({
    slack: maybe(
      fc.record({ channel: fc.constant('C0123'), users: nonEmptySubset('T01:U01ALICE', 'T01:U01BOB') }),
    ),
    emails: fc.constant(['a@example.com', 'b@example.com']),
    quorum: maybe(fc.constantFrom(1, 2)),
    decisionChannels: maybe(fc.constantFrom('anywhere', 'api')),
    escalateTo: maybe(fc.constant(escalateTo)),
  });

const service = (id: string | undefined) =>
  fc.record({
    id: fc.constant(id),
    region: maybe(fc.constant('us-east-1')),
    account: maybe(fc.constant('011111111111')),
    onUnlisted: maybe(fc.constantFrom('ask', 'hold', 'reject')),
    approvers: maybe(fc.constantFrom('default', 'team')),
    requireTicket: maybe(fc.boolean()),
    deadline: duration,
    onExpiry: maybe(fc.constantFrom('escalate', 'reject')),
    grace: duration,
    onExternalAccept: maybe(fc.constantFrom('ask', 'disconnect', 'adopt')),
    principals: maybe(fc.constantFrom('observed', 'managed')),
    otherPrincipals: maybe(fc.subarray(['*', 'arn:aws:iam::111111111111:user/x'])),
  });

const ofCustomers = { acme: ['022222222222', '222222222223'], beta: ['333333333333'] };
const customer = (accounts: readonly string[]) =>
  fc.record({
    accounts: fc.constant(accounts),
    contact: maybe(
      fc.constantFrom(
        { email: 'cloud@example.com' },
        { topic: 'arn:aws:sns:us-east-1:333333333333:linkgate-notices' },
      ),
    ),
    owners,
    contractEnds: maybe(date),
  });

/** The accounts of customers, each with its customer's name, and one account without a customer. */
const accounts = [
  ...Object.entries(ofCustomers).flatMap(([name, all]) => all.map((one) => [name, one])),
  ['', '444444444444'],
];
const locations = accounts.flatMap(([name, account]) =>
  ['payments', 'orders', serviceId, '*'].map((services) => ({ name, account, services })),
);
const entry = ({ name, account, services }: (typeof locations)[number]) =>
  maybe(
    fc.record({
      effect: fc.constantFrom('allow', 'block'),
      customer: fc.constantFrom(...(name ? [name, undefined] : [undefined])),
      account: fc.constant(account),
      services: fc.constant(services),
      owners,
      note,
      narrowing: fc.record({
        endpoints: maybe(nonEmptySubset('vpce-0123456789abcdef0', 'vpce-0123456789abcdef1')),
        consumerRegions: maybe(nonEmptySubset('eu-west-1', 'us-east-1')),
        maxEndpoints: maybe(fc.integer({ min: 1, max: 3 })),
        expires: maybe(date),
        roles: maybe(fc.constant([`arn:aws:iam::${account}:role/network`])),
      }),
    }),
  );

const file = fc
  .record({
    approvers: fc.record({ team: group('default'), default: group('team') }),
    services: fc.record({
      payments: service(serviceId.replace('0123', '4567')),
      orders: service(undefined),
      [serviceId]: service(undefined),
    }),
    customers: fc.record({ acme: customer(ofCustomers.acme), beta: customer(ofCustomers.beta) }),
    entries: fc.tuple(...locations.map(entry)),
  })
  .map(({ entries, ...parts }) => {
    const there = entries.filter((each) => each !== undefined);
    const withEffect = (wantedEffect: string) => there.filter(({ effect }) => effect === wantedEffect);
    const allow = withEffect('allow').map(({ effect: _, narrowing, ...rest }) => ({ ...rest, ...narrowing }));
    const block = withEffect('block').map(({ effect: _, narrowing: __, ...rest }) => rest);
    // JSON is YAML, too.
    return JSON.stringify({ version: 1, ...parts, allow, block });
  });

test('a written file parses to the same document', () => {
  fc.assert(
    fc.property(file, (text) => {
      const document = readBack(text);
      expect(sortDeep(readBack(writePolicyFile(toStoredPolicy(document))))).toEqual(sortDeep(document));
    }),
    { numRuns: 60 },
  );
});

test('equal entries of several services and of all accounts of a customer are written as one', () => {
  const document = parseDocument(`
services: {payments: {}, orders: {}}
customers: {acme: {accounts: ['222222222222', '333333333333'], owners: [a@example.com], contractEnds: 2027-12-31}}
allow: [{customer: acme, services: [payments, orders], maxEndpoints: 2, note: contract 42}]
block: [{account: '444444444444', services: '*'}]
`);
  expect(writePolicyFile(toStoredPolicy(document))).toBe(`# yaml-language-server: $schema=policy.schema.json
# \`linkgate schema\` prints that schema.

version: 1
services:
  payments: {}
  orders: {}
customers:
  acme:
    accounts:
      - '222222222222'
      - '333333333333'
    owners:
      - a@example.com
    contractEnds: 2027-12-31
allow:
  - customer: acme
    services:
      - payments
      - orders
    maxEndpoints: 2
    note: contract 42
block:
  - account: '444444444444'
    services: '*'`);
});

test('an object that the file does not manage has a comment with its manager', () => {
  const document = parseDocument(`
services: {payments: {id: ${serviceId}}}
allow: [{account: '222222222222', services: payments}]
`);
  const held = toStoredPolicy(document, 'person');
  const text = writePolicyFile({ ...held, entries: toStoredPolicy(document, 'api').entries });
  expect(text).toContain('services:\n  # managed by a person\n  payments:\n');
  expect(text).toContain(
    "allow:\n  # managed by another system, through the API\n  - account: '222222222222'\n",
  );
});

test('an entry that differs from its customer is written with its account', () => {
  const document = parseDocument(`
customers: {acme: {accounts: ['222222222222'], contractEnds: 2027-12-31}}
allow: [{account: '222222222222', services: '*', expires: 2028-12-31}]
`);
  const [entry] = document.entries;
  const changed = { ...document, entries: entry ? [{ ...entry, customer: 'acme' }] : [] };
  expect(readBack(writePolicyFile(toStoredPolicy(changed))).entries).toEqual(
    withoutPositions(document).entries,
  );
});
