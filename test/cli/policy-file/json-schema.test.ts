import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { Ajv, type AnySchemaObject } from 'ajv';
import formats from 'ajv-formats';
import { parse } from 'yaml';
import { policyFileSchema, policyFileSchemaText } from '../../../cli/policy-file/json-schema.ts';
import { everyField } from './sample.ts';

const schema: AnySchemaObject = JSON.parse(JSON.stringify(policyFileSchema()));
const isValid = formats.default(new Ajv({ strictTypes: false })).compile(schema);

test('the published schema equals the output of the command line', () => {
  const published = readFileSync(new URL('../../../docs/policy.schema.json', import.meta.url), 'utf8');
  expect(policyFileSchemaText()).toBe(published);
});

test('the schema accepts what the command line accepts', () => {
  expect(isValid(parse(`version: 1\n${everyField}`))).toBe(true);
  expect(isValid(parse('version: 1\nservices:\n  payments:\nallow:\n  # none'))).toBe(true);
});

test.each([
  'services: {payments: {aprovers: default}}',
  'customers: {acme: {accounts: [222222222222]}}',
  "allow: [{services: '*'}]",
  "allow: [{account: '222222222222', services: '*', expires: 30d}]",
  "customers: {acme: {accounts: ['222222222222'], contact: {}}}",
])('the schema rejects %s', (line) => {
  expect(isValid(parse(`version: 1\n${line}`))).toBe(false);
});

test('each field has a description for editors', () => {
  expect(listUnexplained(schema, 'the file')).toEqual([]);
});

const page = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);

test('docs/policy.md explains each field and has an example of it', () => {
  const parts = Object.keys(schema.properties);
  const names = [...new Set(listFields(schema))].filter(
    (name) => name === 'environments' || !parts.includes(name),
  );
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  expect(names.filter((name) => !new RegExp(`\\b${name}:\\s`).test(examples.join()))).toEqual([]);
});

test('each example in docs/policy.md matches the schema', () => {
  expect(examples.filter((text) => !isValid(parse(text)))).toEqual([]);
});

/** Lists the fields of a schema, without the names of its parts. */
function listFields({ properties = {}, additionalProperties, items, anyOf = [] }: AnySchemaObject): string[] {
  return [
    ...Object.entries<AnySchemaObject>(properties).flatMap(([name, field]) => [name, ...listFields(field)]),
    ...[additionalProperties, items, ...anyOf].flatMap((inner) => (inner ? listFields(inner) : [])),
  ];
}

/** Lists the paths of the fields without a description below a schema. */
function listUnexplained(schema: AnySchemaObject, path: string): string[] {
  const { properties = {}, additionalProperties, items, anyOf = [] } = schema;
  return [
    ...Object.entries<AnySchemaObject>(properties).flatMap(([name, field]) => [
      ...(field.description ? [] : [`${path}.${name}`]),
      ...listUnexplained(field, `${path}.${name}`),
    ]),
    ...[additionalProperties, items, ...anyOf].flatMap((inner) =>
      inner ? listUnexplained(inner, path) : [],
    ),
  ];
}
