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
const writeOperations = each.filter(([, { method }]) => method !== 'GET');

/** The input schema of each operation with a body. */
const bodies: Readonly<Record<string, v.GenericSchema>> = {
  registerService: input.RegisterInput,
  putEntry: input.EntryInput,
  decideConnection: input.DecisionInput,
  revokeConnection: input.RevocationInput,
  extendConnection: input.ExtendInput,
  approvePrincipals: input.PrincipalsInput,
  switchMode: input.ModeInput,
  pauseService: input.PauseInput,
  setApprovers: input.ApproversInput,
  setCustomer: input.CustomerInput,
  setOperations: input.OperationsInput,
  connectSlack: input.SlackInput,
  makePlan: input.PlanInput,
};

test('openapi.yml is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(openapi))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('every operation in openapi.yml is a route, and every route is an operation', () => {
  expect(operations.map(name).sort()).toEqual([...new Set(routes)].sort());
});

test('operation ids are unique', () => {
  const ids = operations.map(({ definition }) => definition.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(each)('%s names its access level and its path parameters', (_name, operation) => {
  expect(['viewer', 'approver', 'administrator']).toContain(operation.access);
  const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
  expect(inPath.map((parameter) => `{${parameter.name}}`)).toEqual(operation.path.match(/\{\w+\}/g) ?? []);
});

test.each(each)(
  '%s is open to viewers if and only if it reads or plans',
  (_name, { method, path, access }) => {
    expect(access === 'viewer').toBe(method === 'GET' || path === '/plans');
  },
);

test.each([
  ['decideConnection', 'approver'],
  ['extendConnection', 'approver'],
  ['revokeConnection', 'administrator'],
  ['putEntry', 'administrator'],
  ['disconnectService', 'administrator'],
  ['approvePrincipals', 'administrator'],
])('%s needs the access level %s', (operationId, access) => {
  expect(operations.find(({ definition }) => definition.operationId === operationId)?.access).toBe(access);
});

test.each(writeOperations)('%s accepts an Idempotency-Key', (_name, { parameters }) => {
  expect(parameters.map((parameter) => parameter.name)).toContain('Idempotency-Key');
});

describe('the request body of', () => {
  const withBody = each.filter(([, { definition }]) => definition.requestBody);

  test('every operation with a body is compared with its input schema', () => {
    expect(withBody.map(([, { definition }]) => definition.operationId).sort()).toEqual(
      Object.keys(bodies).sort(),
    );
  });

  test.each(withBody)('%s is described as the API validates it', (_name, { definition }) => {
    const { schema } = definition.requestBody.content['application/json'];
    const inputSchema = toJsonSchema(bodies[definition.operationId] as v.GenericSchema, {
      typeMode: 'input',
      // JSON Schema cannot express transformations such as trimming.
      errorMode: 'ignore',
    });
    expect(simplifySchema(schema)).toEqual(simplifySchema(inputSchema));
  });

  test.each(
    withBody.flatMap(([operationId, operation]) =>
      Object.entries<{ value: unknown }>(
        operation.definition.requestBody.content['application/json'].examples,
      ).map(([example, { value }]) => [operationId, example, operation, value] as const),
    ),
  )('%s has a valid example `%s`', (_called, _example, operation, value) => {
    expect(validateRequestBody(operation, value)).toEqual([]);
    expect(v.is(bodies[operation.definition.operationId] as v.GenericSchema, value)).toBe(true);
  });
});

test('the query parameters in openapi.yml are those that the API validates', () => {
  const { parameters } = operations.find(
    ({ definition }) => definition.operationId === 'listConnections',
  ) ?? {
    parameters: [],
  };
  const schemasByName = Object.fromEntries(
    parameters.map(({ name: parameterName, schema }) => [parameterName, simplifySchema(schema)]),
  );
  const { properties } = toJsonSchema(input.ConnectionsQuery);
  expect(schemasByName).toEqual(simplifySchema({ properties }).properties);
});

test('the error codes in openapi.yml include that of a reused Idempotency-Key', () => {
  expect(openapi.components.schemas.ErrorCode.enum).toContain('IdempotencyKeyReused');
});

/** A schema without descriptions and with its references resolved. */
// biome-ignore lint/suspicious/noExplicitAny: JSON Schema
function simplifySchema(schema: any): any {
  if (Array.isArray(schema)) return schema.map(simplifySchema).sort();
  if (typeof schema !== 'object' || schema === null) return schema;
  const { description, title, example, $schema, ...rest } = resolveReference(schema);
  const required = rest.required?.length === 0 ? { required: undefined } : {};
  return JSON.parse(
    JSON.stringify({
      ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, simplifySchema(value)])),
      ...required,
    }),
  );
}
