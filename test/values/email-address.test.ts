import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { parseActor } from '../../cli/parse-actor.ts';
import { ApproversInput, CustomerInput } from '../../lib/api/input.ts';
import { Actor } from '../../lib/approvers/actor.ts';
import { Email } from '../../lib/values/email-address.ts';
import { consumer } from '../builders.ts';
import { parseDocument, parseProblems } from '../cli/policy-file/files.ts';

const addresses = [
  'alice@example.com',
  "sean.o'brien@example.com",
  'ops+linkgate@eu.cloud.example.com',
  'ops@xn--bcher-kva.example',
  'ops@example.xn--p1ai',
  'a_b-c.d/e=f@sub-domain.example.co.uk',
  `${'l'.repeat(64)}@example.com`,
];
const form = 'an e-mail address looks like alice@example.com';

/** Each input that takes an address, with its parser. */
const parsers: readonly (readonly [string, (address: string) => unknown])[] = [
  ['a group in an API request', (email) => v.parse(ApproversInput, { emails: [email] }).emails[0]],
  [
    'a contact in an API request',
    (email) => v.parse(CustomerInput, { accounts: [consumer], contact: { email } }).contact,
  ],
  ['an owner in an API request', (email) => v.parse(Actor, `mailto:${email.toLowerCase()}`)],
  ['an owner on the command line', (email) => parseActor(email)],
  [
    'a group in a policy file',
    (email) => parseDocument(`approvers: {team: {emails: [${JSON.stringify(email)}]}}`).groups[0]?.emails,
  ],
  [
    'a contact and an owner in a policy file',
    (email) =>
      parseDocument(
        `customers: {acme: {accounts: ['${consumer}'], contact: {email: ${JSON.stringify(email)}}, owners: [${JSON.stringify(email)}]}}`,
      ).customers[0],
  ],
];

describe.each(parsers)('the e-mail address of %s', (_parser, parseAddress) => {
  test.each(addresses)('can be %s', (address) => {
    expect(JSON.stringify(parseAddress(address))).toContain(address.toLowerCase());
  });
});

describe('an e-mail address', () => {
  test.each([
    'alice',
    'alice@',
    '@example.com',
    'alice@example',
    'a b@example.com',
    ' alice@example.com',
    'alice@example.com ',
    'alice@@example.com',
    'alice@bob@example.com',
    'alice@example.com\n',
    'alice\u0007@example.com',
    '"alice"@example.com',
    'alice@example..com',
    '.alice@example.com',
    'alice.@example.com',
    'alice@-example.com',
    'alice@127.0.0.1',
    'älice@example.com',
    `${'l'.repeat(65)}@example.com`,
    `alice@${'example.'.repeat(40)}com`,
  ])('cannot be %j, and the message shows an example', (text) => {
    expect(v.safeParse(Email, text).issues?.map(({ message }) => message)).toEqual([form]);
    expect(parseActor(text)).toBeUndefined();
    expect(v.is(Actor, `mailto:${text.toLowerCase()}`)).toBe(false);
  });

  test('needs its domain in ASCII, which the message suggests', () => {
    expect(v.safeParse(Email, 'ops@bücher.example').issues?.[0].message).toBe(
      'an e-mail address has its domain in ASCII: ops@xn--bcher-kva.example',
    );
    expect(parseProblems('version: 1\napprovers: {team: {emails: [ops@bücher.example]}}')).toContain(
      '2:29: an e-mail address has its domain in ASCII: ops@xn--bcher-kva.example',
    );
  });
});
