import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';

// JSON whose shape is OpenAPI's own; each reader says what it expects.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Json = any;

export const openapi: Json = parse(readFileSync(new URL('../../docs/openapi.yml', import.meta.url), 'utf8'));

export interface Operation {
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly access: string;
  readonly parameters: readonly Json[];
  /** Where it is in the file. */
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

/** The operation that a request is for. */
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

/** What an answer has that the file does not describe, and what it lacks. */
export function validateResponse(operation: Operation | undefined, status: number, body: unknown): string[] {
  const { pointer, definition } = operation ?? { pointer: undefined, definition: { responses: {} } };
  const response = definition.responses[status] ?? definition.responses.default;
  const location =
    pointer === undefined
      ? '/components/responses/refusal'
      : (response.$ref?.slice(1) ??
        `${pointer}/responses/${definition.responses[status] ? status : 'default'}`);
  return problems(validator(`closed#${location}/content/application~1json/schema`), body);
}

/** Why a body is none that the operation takes. */
export function validateRequestBody({ pointer }: Operation, body: unknown): string[] {
  return problems(validator(`open#${pointer}/requestBody/content/application~1json/schema`), body);
}

/** Where a reference points to in the file, or else the thing itself. */
export function resolveReference(value: Json): Json {
  if (value?.$ref === undefined) return value;
  return value.$ref
    .slice(2)
    .split('/')
    .reduce((at: Json, name: string) => at[name], openapi);
}

function validator(reference: string): ValidateFunction {
  const found = ajv.getSchema(reference);
  if (!found) throw new Error(`the file has no ${reference}`);
  return found;
}

function problems(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** Clients are to expect more than the file says; our own answers have nothing that it does not say. */
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
