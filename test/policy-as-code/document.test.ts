import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { aDocument, allowEntry, blockEntry } from './fixtures.ts';

const account = '222222222222';
const customer = { name: 'acme', accounts: [account] };

test.each([
  [
    'names owners as actors',
    'valid',
    { entries: [allowEntry(account, { owners: ['mailto:a@acme.example'] })] },
  ],
  [
    'names owners of an allowed account by bare names',
    'invalid',
    { entries: [allowEntry(account, { owners: ['alice'] })] },
  ],
  [
    'names owners of a blocked account by bare names',
    'invalid',
    { entries: [{ ...blockEntry(account), owners: ['alice'] }] },
  ],
  [
    'names owners of a customer by bare addresses',
    'invalid',
    { customers: [{ ...customer, owners: ['Alice@acme.example'] }] },
  ],
  ['gives a service a name with letters and a dash', 'valid', { services: [{ name: 'orders-eu' }] }],
  ['gives a service a name with a space', 'invalid', { services: [{ name: 'orders eu' }] }],
  ['gives a service an empty name', 'invalid', { services: [{ name: '' }] }],
])('a policy document that %s is %s', (_what, validity, document) => {
  expect(v.is(PolicyDocument, aDocument(document))).toBe(validity === 'valid');
});
