import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';

// OpenAPI JSON; each reader knows the shape that it expects.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Json = any;

export const openapi: Json = parse(readFileSync(new URL('../../docs/openapi.yml', import.meta.url), 'utf8'));

export interface Operation {
  readonly method: string;
  /** The path with its parameters in braces. */
  readonly path: string;
  readonly access: string;
  readonly parameters: readonly Json[];
  /** The JSON pointer in docs/openapi.yml. */
  readonly pointer: string;
  readonly definition: Json;
}

export const operations: readonly Operation[] = Object.entries<Json>(openapi.paths).flatMap(
  ([path, { parameters: shared = [], ...methods }]) =>
    Object.entries<Json>(methods).map(([method, definition]) => ({
      method: method.toUpperCase(),
      path,
      access: definition['x-linkgate-access'],
      parameters: [...shared, ...(definition.parameters ?? [])].map(resolveReference),
      pointer: `/paths/${escapePointer(path)}/${method}`,
      definition,
    })),
);

/** Finds the operation of a request. */
export function findOperation(method: string, path: string): Operation | undefined {
  return operations.find(
    (operation) =>
      operation.method === method &&
      new RegExp(`^${operation.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(openapi, 'open');
ajv.addSchema(withoutAdditionalProperties(structuredClone(openapi)), 'closed');

/** Validates a response: unknown properties and missing ones are problems. */
export function validateResponse(operation: Operation | undefined, status: number, body: unknown): string[] {
  const { pointer, definition } = operation ?? { pointer: undefined, definition: { responses: {} } };
  const response = definition.responses[status] ?? definition.responses.default;
  const location =
    pointer === undefined
      ? '/components/responses/error'
      : (response.$ref?.slice(1) ??
        `${pointer}/responses/${definition.responses[status] ? status : 'default'}`);
  return problems(validator(`closed#${location}/content/application~1json/schema`), body);
}

/** Validates a request body. */
export function validateRequestBody({ pointer }: Operation, body: unknown): string[] {
  return problems(validator(`open#${pointer}/requestBody/content/application~1json/schema`), body);
}

/** Resolves a `$ref`; returns anything else as it is. */
export function resolveReference(value: Json): Json {
  if (value?.$ref === undefined) return value;
  return value.$ref
    .slice(2)
    .split('/')
    .reduce((at: Json, name: string) => at[name], openapi);
}

function validator(reference: string): ValidateFunction {
  const validate = ajv.getSchema(reference);
  if (!validate) throw new Error(`the file has no ${reference}`);
  return validate;
}

function problems(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** Forbids additional properties: clients have to accept more than the file says, but linkgate returns nothing more. */
function withoutAdditionalProperties(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) withoutAdditionalProperties(inner);
  if (value.type === 'object' && value.properties && value.additionalProperties === undefined)
    value.additionalProperties = false;
  return value;
}

function escapePointer(path: string): string {
  return path.replaceAll('~', '~0').replaceAll('/', '~1');
}
