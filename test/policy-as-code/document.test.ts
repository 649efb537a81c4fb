import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { aDocument, allowEntry, blockEntry } from './fixtures.ts';

const account = '222222222222';
const customer = { name: 'acme', accounts: [account] };

test.each<[what: string, isValid: boolean, document: object]>([
  ['names owners as actors', true, { entries: [allowEntry(account, { owners: ['mailto:a@acme.example'] })] }],
  [
    'names owners of an allowed account barely',
    false,
    { entries: [allowEntry(account, { owners: ['alice'] })] },
  ],
  [
    'names owners of a blocked account barely',
    false,
    { entries: [{ ...blockEntry(account), owners: ['alice'] }] },
  ],
  [
    'names owners of a customer barely',
    false,
    { customers: [{ ...customer, owners: ['Alice@acme.example'] }] },
  ],
  ['gives a service a name with letters and a dash', true, { services: [{ name: 'orders-eu' }] }],
  ['gives a service a name with a space', false, { services: [{ name: 'orders eu' }] }],
  ['gives a service an empty name', false, { services: [{ name: '' }] }],
])('whether a policy document that %s is valid: %s', (_what, isValid, document) => {
  expect(v.is(PolicyDocument, aDocument(document))).toBe(isValid);
});
