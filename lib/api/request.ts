import type { Context } from 'hono';
import type * as v from 'valibot';
import type { ManagedBy } from '../runtime/managed-by.ts';
import type { ApiDeps, ApiEnv } from './env.ts';
import { readBody, validateInput } from './input.ts';

/** A request as routes read it. Each function throws ApiError for invalid input. */
export interface ApiRequest {
  /** Reads a path parameter. */
  readonly parameter: (name: string) => string;
  /** Reads the query. */
  readonly query: <const Schema extends v.GenericSchema>(schema: Schema) => v.InferOutput<Schema>;
  /** Reads the body. An error names it `bodyName`. */
  readonly body: <const Schema extends v.GenericSchema>(
    schema: Schema,
    bodyName: string,
  ) => Promise<v.InferOutput<Schema>>;
  readonly text: () => Promise<string>;
  readonly nextToken: string | undefined;
  /** The manager of what the request changes: a person at the command line, or else another system. */
  readonly managedBy: ManagedBy;
  /** ISO 8601: the first arrival of this request, if an earlier run with the same `Idempotency-Key` may have started. */
  readonly firstRequestedAt: string | undefined;
  /** Whether an earlier run of this request may have removed the item and crashed before its response. */
  readonly isPossibleRetry: boolean;
  /** Sets the status of the response, which is 200 otherwise. */
  readonly setStatus: (status: 201 | 202) => void;
  /** Sets a header of the response. */
  readonly setHeader: (name: string, value: string) => void;
}

/** Responds to a request with a JSON object. */
export type RouteHandler = (request: ApiRequest, api: ApiDeps) => object | Promise<object>;

/** The handlers of routes by method and path, such as `GET /services/{service}`. */
export type Routes = Readonly<Record<string, RouteHandler>>;

export function readRequest(context: Context<ApiEnv>): ApiRequest {
  const firstRequestedAt = context.get('firstRequestedAt');
  return {
    parameter: (name) => readParameter(context, name),
    query: (schema) => validateInput(schema, context.req.query(), 'the query'),
    body: async (schema, bodyName) => validateInput(schema, await readBody(context), bodyName),
    text: () => context.req.text(),
    nextToken: context.req.query('nextToken'),
    managedBy: context.req.header('user-agent')?.startsWith('linkgate-cli/') ? 'person' : 'api',
    firstRequestedAt,
    isPossibleRetry: firstRequestedAt !== undefined,
    setStatus: (status) => context.status(status),
    setHeader: (name, value) => context.header(name, value),
  };
}

/** API Gateway passes decoded parameters. Decoding twice is harmless: no id and no name contains a `%`. */
function readParameter({ env }: Context<ApiEnv>, name: string): string {
  const value = env.event.pathParameters?.[name] ?? '';
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
