import { describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { createApiApp } from '../../lib/api/api.ts';
import * as input from '../../lib/api/input.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { type Operation, openapi, operations, resolveReference, validateRequestBody } from './openapi.ts';

const routes = createApiApp(() => createTestEnv().deps)
  .routes.filter(({ method }) => method !== 'ALL')
  .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);

const name = ({ method, path }: Operation) => `${method} ${path}`;
const each = operations.map((operation) => [name(operation), operation] as const);
const changing = each.filter(([, { method }]) => method !== 'GET');

/** What the file says of a request's body, beside what the API takes. */
const bodies: Readonly<Record<string, v.GenericSchema>> = {
  registerService: input.RegisterInput,
  putEntry: input.EntryInput,
  decideConnection: input.DecisionInput,
  revokeConnection: input.RevocationInput,
  keepConnection: input.ExtendInput,
  approvePrincipals: input.PrincipalsInput,
  switchMode: input.ModeInput,
  pauseService: input.PauseInput,
  setApprovers: input.ApproversInput,
  setCustomer: input.CustomerInput,
  connectSlack: input.SlackInput,
  makePlan: input.PlanInput,
};

test('the file is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(openapi))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('every operation of the file is a route, and every route is in the file', () => {
  expect(operations.map(name).sort()).toEqual([...new Set(routes)].sort());
});

test('no two operations have one id', () => {
  const ids = operations.map(({ definition }) => definition.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(each)('%s says who may, and names the parameters of its path', (_name, operation) => {
  expect(['viewer', 'approver', 'administrator']).toContain(operation.access);
  const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
  expect(inPath.map((parameter) => `{${parameter.name}}`)).toEqual(operation.path.match(/\{\w+\}/g) ?? []);
});

test.each(each)('%s is for viewers exactly where it reads or plans', (_name, { method, path, access }) => {
  expect(access === 'viewer').toBe(method === 'GET' || path === '/plans');
});

test.each([
  ['decideConnection', 'approver'],
  ['keepConnection', 'approver'],
  ['revokeConnection', 'administrator'],
  ['putEntry', 'administrator'],
  ['disconnectService', 'administrator'],
  ['approvePrincipals', 'administrator'],
])('%s is for a person who is %s: what cuts by itself is not for approvers', (operationId, access) => {
  expect(operations.find(({ definition }) => definition.operationId === operationId)?.access).toBe(access);
});

test.each(changing)('%s takes an Idempotency-Key', (_name, { parameters }) => {
  expect(parameters.map((parameter) => parameter.name)).toContain('Idempotency-Key');
});

describe('the body of', () => {
  const withBody = each.filter(([, { definition }]) => definition.requestBody);

  test('each operation that takes one is compared with what the API takes', () => {
    expect(withBody.map(([, { definition }]) => definition.operationId).sort()).toEqual(
      Object.keys(bodies).sort(),
    );
  });

  test.each(withBody)('%s is described as the API takes it', (_name, { definition }) => {
    const { schema } = definition.requestBody.content['application/json'];
    const taken = toJsonSchema(bodies[definition.operationId] as v.GenericSchema, {
      typeMode: 'input',
      // What JSON Schema cannot say, that a text is trimmed, only a person needs to know.
      errorMode: 'ignore',
    });
    expect(bare(schema)).toEqual(bare(taken));
  });

  test.each(
    withBody.flatMap(([called, operation]) =>
      Object.entries<{ value: unknown }>(
        operation.definition.requestBody.content['application/json'].examples,
      ).map(([example, { value }]) => [called, example, operation, value] as const),
    ),
  )('%s: the example `%s` is one that the API takes', (_called, _example, operation, value) => {
    expect(validateRequestBody(operation, value)).toEqual([]);
    expect(v.is(bodies[operation.definition.operationId] as v.GenericSchema, value)).toBe(true);
  });
});

test('the queries that the API reads are those that the file names', () => {
  const { parameters } = operations.find(
    ({ definition }) => definition.operationId === 'listConnections',
  ) ?? {
    parameters: [],
  };
  const named = Object.fromEntries(parameters.map(({ name: called, schema }) => [called, bare(schema)]));
  const { properties } = toJsonSchema(input.ConnectionsQuery);
  expect(named).toEqual(bare({ properties }).properties);
});

test('every code that the API refuses with is in the file', () => {
  expect(openapi.components.schemas.ErrorCode.enum).toContain('IdempotencyKeyReused');
});

/** A schema without what it says to people, and with what it refers to in its place. */
// biome-ignore lint/suspicious/noExplicitAny: JSON Schema
function bare(schema: any): any {
  if (Array.isArray(schema)) return schema.map(bare).sort();
  if (typeof schema !== 'object' || schema === null) return schema;
  const { description, title, example, $schema, ...rest } = resolveReference(schema);
  const required = rest.required?.length === 0 ? { required: undefined } : {};
  return JSON.parse(
    JSON.stringify({
      ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, bare(value)])),
      ...required,
    }),
  );
}
