import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { ApiError } from '../../lib/api/api-error.ts';
import * as inputs from '../../lib/api/input.ts';
import { PolicyDocument } from '../../lib/policy-as-code/document.ts';

/** All input schemas of the API. */
const schemas = Object.entries(inputs).flatMap(([name, schema]) =>
  v.isOfKind('schema', schema as v.GenericSchema) ? [[name, schema as v.GenericSchema] as const] : [],
);

/** The schemas of the list items in a policy document. */
const { groups, services, customers, entries } = PolicyDocument.entries;
const parts = Object.entries({ groups, services, customers, entries }).map(
  ([name, list]) => [`document.${name}`, list.item as v.GenericSchema] as const,
);

const shapes = [null, [], {}, [[]], [null], [{}], '', 'x', 'x'.repeat(5_000), 1.5, -1, 1e300, true, { x: 1 }];

/** Bodies that are invalid as a whole, or in one of the fields. */
function wrongBodies(schema: v.GenericSchema): unknown[] {
  const fields = [schema, ...((schema as { options?: v.GenericSchema[] }).options ?? [])].flatMap((each) =>
    Object.keys((each as { entries?: object }).entries ?? {}),
  );
  const inField = [...new Set(fields)].flatMap((field) =>
    shapes.flatMap((shape) => [
      { [field]: shape },
      { effect: 'allow', [field]: shape },
      { decision: 'deny', [field]: shape },
    ]),
  );
  return [undefined, ...shapes, ...inField];
}

function validationMessage(schema: v.GenericSchema, body: unknown): string | undefined {
  try {
    inputs.validateInput(schema, body, 'the body');
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.message;
  }
}

describe('the message for invalid input', () => {
  test.each([...schemas, ...parts])('names the expected value: %s', (_name, schema) => {
    const messages = wrongBodies(schema).flatMap((body) => validationMessage(schema, body) ?? []);
    expect(messages.length).toBeGreaterThan(shapes.length / 2);
    for (const message of messages) {
      expect(message).not.toMatch(
        /\b(Object|Array|undefined|NaN|null|unknown(?! field)|string)\b|\/\^|has to be (,|(.+), and is \3(;|$))/,
      );
      expect(message.length).toBeLessThan(6_000);
    }
  });

  test.each([
    [
      'a list in the place of a contact',
      { contact: [] },
      'contact: a contact is an `email` or a `topicArn`, one of them, as a text',
    ],
    [
      'a contact with another field',
      { contact: { mail: 'a@b.example' } },
      'contact: a contact is an `email` or a `topicArn`, one of them, as a text',
    ],
    ['a text in the place of a list', { accounts: 'x' }, 'accounts: it has to be a list, and is `x`'],
    ['a map in the place of a list', { accounts: {} }, 'accounts: it has to be a list, and is an object'],
    [
      'too long a list',
      { owners: Array(101).fill('mailto:a@b.example') },
      'owners: it has to have at most 100 entries, and has 101',
    ],
    ['an unknown field', { account: [] }, 'account: unknown field'],
  ])('names the field, the expected and the received value: %s', (_what, fields, message) => {
    const body = { accounts: ['222222222222'], ...fields };
    expect(validationMessage(inputs.CustomerInput, body)).toBe(`the body is invalid: ${message}`);
  });
});
