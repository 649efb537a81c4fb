import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { aDocument, allowEntry, blockEntry } from './fixtures.ts';

const account = '222222222222';
const customer = { name: 'acme', accounts: [account] };

test.each([
  [
    'names owners as decisions are signed',
    'taken',
    { entries: [allowEntry(account, { owners: ['mailto:a@acme.example'] })] },
  ],
  [
    'names owners of an allowed account otherwise',
    'refused',
    { entries: [allowEntry(account, { owners: ['alice'] })] },
  ],
  [
    'names owners of a blocked account otherwise',
    'refused',
    { entries: [{ ...blockEntry(account), owners: ['alice'] }] },
  ],
  [
    'names owners of a customer otherwise',
    'refused',
    { customers: [{ ...customer, owners: ['Alice@acme.example'] }] },
  ],
  ['gives a service a name with letters and a dash', 'taken', { services: [{ name: 'orders-eu' }] }],
  ['gives a service a name with a space', 'refused', { services: [{ name: 'orders eu' }] }],
  ['gives a service no name at all', 'refused', { services: [{ name: '' }] }],
])('a document that %s is %s', (_what, fate, document) => {
  expect(v.is(PolicyDocument, aDocument(document))).toBe(fate === 'taken');
});
