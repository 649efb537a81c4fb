import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { PolicyDocument } from '../../../lib/policy-as-code/document.ts';
import { parseDocument, withoutPositions } from './files.ts';
import { endpointId, everyField, serviceId } from './sample.ts';

test('every field of a file is in the document, with the field names of the API', () => {
  expect(withoutPositions(parseDocument(everyField))).toEqual({
    groups: [
      {
        name: 'payments-team',
        quorum: 2,
        slackChannel: 'C0123',
        slackUsers: [
          { team: 'T01', user: 'U01ALICE' },
          { team: 'T01', user: 'U01BOB' },
        ],
        emails: ['alice@example.com'],
        decisionChannels: 'api',
        escalateTo: 'default',
      },
    ],
    services: [
      {
        serviceId,
        name: 'payments',
        region: 'us-east-1',
        accountId: '011111111111',
        onUnlisted: 'hold',
        approvers: 'payments-team',
        requireTicket: true,
        deadlineSeconds: 129_600,
        onExpiry: 'reject',
        graceSeconds: 172_800,
        onExternalAccept: 'disconnect',
        principals: 'managed',
        otherPrincipals: ['*'],
      },
    ],
    customers: [
      {
        name: 'acme',
        accounts: ['222222222222'],
        contact: { email: 'cloud@example.com' },
        owners: ['slack:T01:U01CAROL', 'mailto:dave@example.com', 'arn:aws:iam::222222222222:user/erin'],
        contractEndsAt: '2027-12-31T23:59:59.999Z',
      },
      {
        name: 'beta',
        accounts: ['033333333333'],
        contact: { topicArn: 'arn:aws:sns:us-east-1:033333333333:linkgate-notices' },
      },
    ],
    entries: [
      {
        service: serviceId,
        accountId: '222222222222',
        effect: 'allow',
        endpointIds: [endpointId],
        consumerRegions: ['eu-west-1'],
        maxEndpoints: 2,
        expiresAt: '2027-01-31T23:59:59.999Z',
        owners: [
          'slack:T01:U01CAROL',
          'mailto:dave@example.com',
          'arn:aws:iam::222222222222:user/erin',
          'mailto:frank@example.com',
        ],
        note: 'contract 42',
        customer: 'acme',
        roles: ['arn:aws:iam::222222222222:role/network'],
      },
      {
        service: '*',
        accountId: '444444444444',
        effect: 'block',
        note: 'left us',
        owners: ['mailto:frank@example.com'],
      },
    ],
  });
});

test('the API accepts the document of a file', () => {
  const document = parseDocument(everyField);
  expect(v.parse(PolicyDocument, document)).toEqual(document);
});

test('each object has its source position', () => {
  const { groups, services, customers, entries } = parseDocument(everyField);
  const locations = [...groups, ...services, ...customers, ...entries].map(({ at }) =>
    at?.replace(/^.*\//, ''),
  );
  expect(locations).toEqual([
    'policy.yml:4:3',
    'policy.yml:11:3',
    'policy.yml:25:3',
    'policy.yml:30:3',
    'policy.yml:34:5',
    'policy.yml:44:5',
  ]);
});

const acme =
  "acme: {accounts: ['222222222222', '333333333333'], owners: [a@example.com], contractEnds: 2027-12-31}";
const roles = ['arn:aws:iam::222222222222:role/a', 'arn:aws:iam::333333333333:role/b'];

test.each<[what: string, fields: string, entries: readonly object[]]>([
  [
    'is for each account and each service',
    "services: [payments, orders, '*']",
    ['payments', serviceId, '*'].flatMap((service) => [
      { service, accountId: '222222222222', customer: 'acme' },
      { service, accountId: '333333333333', customer: 'acme' },
    ]),
  ],
  [
    'and an account is for that account only',
    `services: payments, account: '333333333333', endpoints: [${endpointId}]`,
    [{ accountId: '333333333333', customer: 'acme', owners: ['mailto:a@example.com'] }],
  ],
  [
    'has for each account its roles',
    `services: payments, roles: ['${roles[0]}', '${roles[1]}']`,
    [
      { accountId: '222222222222', roles: [roles[0]] },
      { accountId: '333333333333', roles: [roles[1]] },
    ],
  ],
  ...[
    ['2027-01-31', '2027-01-31T23:59:59.999Z'],
    ['2028-01-31', '2027-12-31T23:59:59.999Z'],
    ['2027-01-31T12:00:00+02:00', '2027-01-31T10:00:00.000Z'],
  ].map(([expires, expiresAt]): [string, string, object[]] => [
    `expires with the contract at the latest: ${expires}`,
    `services: payments, expires: ${expires}`,
    [{ expiresAt }, { expiresAt }],
  ]),
])('an entry of a customer %s', (_what, fields, entries) => {
  const document = parseDocument(`
services: {payments: {}, orders: {id: ${serviceId}}}
customers: {${acme}}
allow: [{customer: acme, ${fields}}]
`);
  expect(document.entries).toMatchObject(entries);
});

test('a service and a group can have no settings, and an entry can name a service by its id', () => {
  const { groups, services, entries } = parseDocument(`
approvers:
  finance:
services:
  payments:
  orders: {approvers: finance}
  ${serviceId}: {}
allow: [{account: '222222222222', services: [payments, ${serviceId}]}]
`);
  expect(groups).toEqual([]);
  expect(services).toMatchObject([
    { name: 'payments' },
    { name: 'orders', approvers: 'finance' },
    { serviceId },
  ]);
  expect(entries).toMatchObject([{ service: 'payments' }, { service: serviceId }]);
});

test('anchors, aliases and merge keys are resolved', () => {
  const { entries } = parseDocument(`
services: {payments: {}, orders: {}}
allow:
  - &usual {account: '222222222222', services: &both [payments, orders], maxEndpoints: 2}
  - {<<: *usual, account: '333333333333', maxEndpoints: 5}
  - {account: '444444444444', services: *both}
`);
  expect(entries.map(({ accountId }) => accountId)).toEqual(
    ['222222222222', '333333333333', '444444444444'].flatMap((account) => [account, account]),
  );
  expect(entries[2]).toMatchObject({ service: 'payments', maxEndpoints: 5 });
});

test('a part with comments only is empty', () => {
  expect(parseDocument('services:\n  # payments: {}\nallow:\n  # none\nblock: []')).toEqual({
    groups: [],
    services: [],
    customers: [],
    entries: [],
  });
});

test('10,000 entries are read', () => {
  const entry = (_: unknown, index: number) =>
    `  - {account: '${100_000_000_000 + index}', services: payments, expires: 2027-01-31}`;
  const { entries } = parseDocument(
    `services: {payments: {}}\nallow:\n${Array.from({ length: 10_000 }, entry).join('\n')}`,
  );
  expect(entries).toHaveLength(10_000);
});
