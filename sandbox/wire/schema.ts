import { NormalizedSchema } from '@smithy/core/schema';
import type { AwsService } from '../aws/aws-service.ts';

// The SDK's schemas are plain tuples that it does not type for others: [kind, namespace, name, traits, ...].
type SchemaTuple = readonly unknown[];
type Schema = Parameters<typeof NormalizedSchema.of>[0];

const operationKind = 9;
const errorKind = -3;

export interface OperationSchema {
  readonly input: NormalizedSchema;
  readonly output: NormalizedSchema;
}

/** Returns the SDK's schema of an operation; undefined if the service has no such operation. */
export async function operationSchema(
  service: AwsService,
  operation: string,
): Promise<OperationSchema | undefined> {
  const client = await service.loadClient();
  const tuple = client[`${operation}$`];
  if (!isSchema(tuple, operationKind)) return undefined;
  return { input: NormalizedSchema.of(tuple[4] as Schema), output: NormalizedSchema.of(tuple[5] as Schema) };
}

export interface ErrorTraits {
  readonly namespace: string;
  readonly status: number | undefined;
  /** The error code and status in the query protocol, if they differ from the shape. */
  readonly query: readonly [code: string, status: number] | undefined;
}

/** Returns the SDK's traits of an error shape. */
export async function errorTraits(service: AwsService, code: string): Promise<ErrorTraits | undefined> {
  const client = await service.loadClient();
  const tuple = client[`${code}$`];
  if (!isSchema(tuple, errorKind)) return undefined;
  const traits = (tuple[3] || {}) as {
    httpError?: number;
    awsQueryError?: readonly [string, number];
    error?: 'client' | 'server';
  };
  return {
    namespace: String(tuple[1]),
    status: traits.httpError ?? (traits.error === 'server' ? 500 : undefined),
    query: traits.awsQueryError,
  };
}

/** Returns the required members of a structure; the SDK lists them first and stores their count. */
export function requiredMembers(schema: NormalizedSchema): readonly string[] {
  if (schema.isUnitSchema()) return [];
  const [, , , , names, , count] = schema.getSchema() as unknown as [...SchemaTuple] &
    Record<4, string[]> &
    Record<6, number | undefined>;
  return names.slice(0, count ?? 0);
}

function isSchema(value: unknown, kind: number): value is SchemaTuple {
  return Array.isArray(value) && value[0] === kind;
}
