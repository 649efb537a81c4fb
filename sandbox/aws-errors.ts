import { AwsError, type AwsService } from './aws/aws-service.ts';
import type { Json } from './aws/dynamodb-accesses.ts';
import { formatError, type WireRequest, type WireResponse } from './wire/wire.ts';

/** The error codes by which services report that a policy does not allow a call. */
const accessDeniedCodes: Readonly<Record<string, readonly [code: string, status: number]>> = {
  ec2: ['UnauthorizedOperation', 403],
  sqs: ['AccessDenied', 403],
  sns: ['AuthorizationErrorException', 403],
  monitoring: ['AccessDenied', 403],
};

export function accessDenied(service: string, callerArn: string, action: string, resource: string): AwsError {
  const [code, status] = accessDeniedCodes[service] ?? ['AccessDeniedException', 400];
  const message = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource}`;
  return new AwsError(code, message, status);
}

export function invalidKey(service: string): AwsError {
  const message =
    'The security token included in the request is invalid: the access key is neither an account id nor a function’s';
  if (service === 'ec2') return new AwsError('AuthFailure', message, 401);
  const isJson = ['dynamodb', 'events', 'ssm', 'sqs'].includes(service);
  return isJson
    ? new AwsError('UnrecognizedClientException', message, 400)
    : new AwsError('InvalidClientTokenId', message, 403);
}

/** Converts an error of the sandbox itself to `InternalFailure`. */
export function toAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  console.error(error);
  return new AwsError('InternalFailure', error instanceof Error ? error.message : String(error), 500);
}

/** Formats errors as the service does; DynamoDB has no schema here and has its own format. */
export function errorFormatter(service: AwsService | undefined, { headers }: WireRequest) {
  return async (error: AwsError, requestId: string): Promise<WireResponse> => {
    if (service) return formatError(service, error, requestId, String(headers['content-type'] ?? ''));
    return dynamoDbError(error, requestId);
  };
}

/** Cancellation reasons of transactions that may succeed when retried (DynamoDB API reference, CancellationReason). */
const cancellationReasons = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);

export function dynamoDbError(
  error: AwsError,
  requestId: string,
  { TransactItems = [] }: Json = {},
): WireResponse {
  // The engine formats other errors of transactions. The sandbox adds the reasons of those that it causes itself.
  const reason = error.code === 'TransactionCanceledException' ? 'TransactionConflict' : error.code;
  const isCancelled = cancellationReasons.has(reason);
  const code = isCancelled ? 'TransactionCanceledException' : error.code;
  const CancellationReasons = isCancelled
    ? (TransactItems as unknown[]).map(() => ({ Code: reason, Message: error.message }))
    : undefined;
  return {
    status: error.status ?? 400,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': requestId },
    body: JSON.stringify({
      __type: `com.amazonaws.dynamodb.v20120810#${code}`,
      message: error.message,
      CancellationReasons,
    }),
  };
}

export function readErrorCode(body: string): string | undefined {
  return /"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"/.exec(body)?.[1];
}
