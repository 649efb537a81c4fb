import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readPolicyFile } from '../../../cli/policy-file/read-policy-file.ts';
import { parseDocument, parseProblems, writeFolder } from './files.ts';

const acme = "customers: {acme: {accounts: ['222222222222']}}\n";

test('an included file adds to the policy, and its own includes are relative to its folder', () => {
  const { customers, entries } = parseDocument(
    'include: [services.yml, customers/**/*.yml]\nallow: [{customer: beta, services: payments}]',
    'prod',
    {
      'services.yml': 'version: 1\nservices: {payments: {}}\n',
      'customers/acme.yml': `include: [more/beta.yaml]\n${acme}`,
      'customers/more/beta.yaml': "customers: {beta: {accounts: ['333333333333']}}\n",
    },
  );
  expect(customers.map(({ name, at }) => [name, at?.replace(/^.*customers\//, '')])).toEqual([
    ['acme', 'acme.yml:2:13'],
    ['beta', 'more/beta.yaml:1:13'],
  ]);
  expect(entries).toMatchObject([{ accountId: '333333333333' }]);
});

test.each(['*.yml', '**/*.yml', '{policy,acme}.yml'])(
  'the pattern %s includes the files next to the including file',
  (pattern) => {
    const lines = `include: ['${pattern}']\nblock: [{customer: acme, services: '*'}]`;
    expect(parseDocument(lines, 'prod', { 'acme.yml': acme })).toMatchObject({
      customers: [{ name: 'acme' }],
      entries: [{ effect: 'block', customer: 'acme' }],
    });
  },
);

test('different files can define one service for different environments', () => {
  const files = {
    'staging.yml': 'services: {payments: {id: vpce-svc-0123456789abcdef1, environments: [staging]}}',
    'prod.yml': 'services: {payments: {id: vpce-svc-0123456789abcdef0, environments: [prod]}}',
  };
  const lines = 'environments: [staging, prod]\ninclude: [staging.yml, prod.yml]';
  expect(parseDocument(lines, 'prod', files).services).toMatchObject([
    { serviceId: 'vpce-svc-0123456789abcdef0' },
  ]);
});

test.each([
  ['is not there', 'nowhere.yml', {}, '2:11: `nowhere.yml` is no file beside this one'],
  ['is a pattern of nothing', 'customers/*.yml', {}, '2:11: `customers/*.yml` is no file beside this one'],
  [
    'is the file itself',
    'policy.yml',
    {},
    '2:11: a file cannot include itself, by whatever way: `policy.yml`',
  ],
  ['lies anywhere', '/etc/hostname', {}, '2:11: `/etc/hostname` is no file beside this one'],
  [
    'includes the one that includes it',
    'a.yml',
    { 'a.yml': 'include: [policy.yml]' },
    'a.yml:1:11: a file cannot include itself, by whatever way: `policy.yml`',
  ],
  [
    'includes by a pattern the one that includes it',
    'a.yml',
    { 'a.yml': "include: ['*.yml']" },
    'a.yml:1:11: a file cannot include itself, by whatever way: `policy.yml`',
  ],
  [
    'is included by another already',
    'a.yml, b.yml',
    { 'a.yml': 'include: [b.yml]', 'b.yml': '' },
    '2:18: `b.yml` is read already: a.yml:1:11',
  ],
  ['is a pattern of the file alone', "'*.yml'", {}, '2:11: `*.yml` is no file beside this one'],
  [
    'is broken',
    'a.yml',
    { 'a.yml': 'customers: {acme: [}' },
    expect.stringMatching(/^a\.yml:1:20: /) as unknown as string,
  ],
  [
    'declares environments',
    'a.yml',
    { 'a.yml': 'environments: [prod]' },
    'a.yml:1:1: `environments` are said in the file that includes this one',
  ],
])('an included file that %s is a problem', (_what, include, more, problem) => {
  expect(parseProblems(`version: 1\ninclude: [${include}]`, more)[0]).toEqual(problem);
});

test('a name in two files is a problem', () => {
  expect(parseProblems(`version: 1\ninclude: [a.yml]\n${acme}`, { 'a.yml': acme })).toEqual([
    'a.yml:1:13: `acme` is here already: policy.yml:3:13',
  ]);
});

test('no file outside the folder of the policy file is read, even through a pattern or a symbolic link', () => {
  const outside = writeFolder({ 'secret.yml': acme });
  const folder = writeFolder({ 'policy.yml': 'version: 1\ninclude: [../*/secret.yml, link.yml]' });
  symlinkSync(join(outside, 'secret.yml'), join(folder, 'link.yml'));
  expect(() => readPolicyFile(join(folder, 'policy.yml'))).toThrow(
    /secret\.yml` lies outside the folder of the policy file\n.*link\.yml` lies outside the folder/,
  );
});

test('an unreadable file causes no problem at references to its customers', () => {
  expect(parseProblems("version: 1\ninclude: [a.yml]\nblock: [{customer: acme, services: '*'}]", {})).toEqual(
    ['2:11: `a.yml` is no file beside this one'],
  );
});
