import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Access,
  AwsError,
  type AwsService,
  type Caller,
  type OperationContext,
} from './aws/aws-service.ts';
import type { Json } from './aws/dynamodb-accesses.ts';
import type { AwsEmulator } from './aws-emulator.ts';
import {
  accessDenied,
  dynamoDbError,
  errorFormatter,
  invalidKey,
  readErrorCode,
  toAwsError,
} from './aws-errors.ts';
import { type CallLog, redact } from './call-log.ts';
import { parseSignature } from './callers.ts';
import { faultError } from './faults.ts';
import { isAllowed } from './iam/policy.ts';
import { createTokenBuckets } from './privatelink/token-buckets.ts';
import {
  detectProtocol,
  formatUnmodelled,
  type UnmodelledResponse,
  unknownAction,
} from './wire/unmodelled.ts';
import { formatOutput, parseJson, parseRequest, type WireRequest, type WireResponse } from './wire/wire.ts';

export type AwsRequests = ReturnType<typeof createAwsRequests>;

type Client = Caller & { readonly roleArn?: string };

/** One call with its parsed input and its IAM accesses. */
interface Call {
  readonly client: Client;
  readonly service: string;
  readonly operation: string;
  readonly input: unknown;
  readonly accesses: () => Promise<readonly Access[]>;
  /** Runs the operation of the service. Throws `AwsError`. */
  readonly run: () => Promise<WireResponse>;
}

/** The limit for one function; each key of an item counts as an access of its own. */
const maxGrantedRecords = 5000;

export function createAwsRequests(emulator: AwsEmulator, calls: CallLog) {
  const { clock, faults, roles, services, dynamoDb, settings, store } = emulator;
  const accessesByPrincipal = new Map<string, Map<string, Access>>();
  const buckets = createTokenBuckets(store.openMap('ec2/token-buckets'));

  async function handle(request: WireRequest, origin: string): Promise<UnmodelledResponse> {
    const signature = parseSignature(request.headers.authorization as string | undefined);
    if (!signature)
      return formatUnmodelled(
        detectProtocol(request),
        new AwsError('MissingAuthenticationToken', 'The request is not signed', 403),
        randomUUID(),
      );
    const service = services.get(signature.service);
    if (!service && signature.service !== dynamoDb.signingName)
      return refuseUnmodelled(request, signature.service);

    const client = emulator.callers.identify(signature);
    const formatError = errorFormatter(service, request);
    if (!client) return formatError(invalidKey(signature.service), randomUUID());
    return service ? handleBySchema(service, request, client, origin) : handleDynamoDb(request, client);
  }

  function refuseUnmodelled(request: WireRequest, signingName: string): UnmodelledResponse {
    const protocol = detectProtocol(request, signingName);
    const modelled = [dynamoDb.signingName, ...services.keys()].sort().join(', ');
    const error = new AwsError(
      unknownAction(protocol),
      `The sandbox has no service \`${signingName}\`; it has ${modelled}`,
      protocol === 's3' ? 501 : 400,
    );
    return formatUnmodelled(protocol, error, randomUUID());
  }

  async function handleBySchema(service: AwsService, request: WireRequest, client: Client, origin: string) {
    const requestId = randomUUID();
    const contentType = String(request.headers['content-type'] ?? '');
    const context: OperationContext = { caller: client, now: clock.now(), origin };
    const formatError = errorFormatter(service, request);
    try {
      const { operation, input } = await parseRequest(service, request);
      const run = async () => {
        const output = await service.operations[operation]?.(input as never, context);
        if (service.signingName === 'ec2')
          await emulator.cloudTrail.record(service, { operation, input, caller: client, requestId });
        return formatOutput(service, operation, output, requestId, contentType);
      };
      const accesses = async () =>
        service.accesses?.(operation, input as never, context) ?? unknownAccess(service);
      return await executeCall(
        { client, service: service.signingName, operation, input, accesses, run },
        (error) => formatError(error, requestId),
      );
    } catch (error) {
      return formatError(toAwsError(error), requestId);
    }
  }

  async function handleDynamoDb(request: WireRequest, client: Client): Promise<WireResponse> {
    const operation =
      String(request.headers['x-amz-target'] ?? '')
        .split('.')
        .at(-1) ?? '';
    try {
      const input = parseJson(request.body) as Json;
      return await executeCall(
        {
          client,
          service: 'dynamodb',
          operation,
          input,
          accesses: () => dynamoDb.accesses(operation, input, client),
          run: () => dynamoDb.handle(request, client, input),
        },
        async (error) => dynamoDbError(error, randomUUID(), input),
      );
    } catch (error) {
      return dynamoDbError(toAwsError(error), randomUUID());
    }
  }

  async function executeCall(
    call: Call,
    formatError: (error: AwsError) => Promise<WireResponse>,
  ): Promise<WireResponse> {
    const time = new Date(clock.now()).toISOString();
    const { client, service, operation, input } = call;
    const answer = await attempt(call).catch(async (cause) => {
      const error = toAwsError(cause);
      return { error: error.code, response: await formatError(error) };
    });
    const { status } = answer.response;
    const error = answer.error ?? (status >= 400 ? readErrorCode(answer.response.body) : undefined);
    calls.record({
      time,
      accountId: client.accountId,
      principal: client.principal,
      service,
      action: operation,
      params: redact(service, operation, input),
      status,
      ...(error !== undefined && { error }),
    });
    return answer.response;
  }

  async function attempt(call: Call): Promise<{ error?: string; response: WireResponse }> {
    const { client, service, operation } = call;
    const isThrottled = service === 'ec2' && settings.get('throttling') !== false;
    if (isThrottled && !buckets.take(client, operation, clock.now()))
      throw new AwsError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    if (client.roleArn !== undefined) requireAllowed(client, service, await call.accesses());

    const fault = faults.findCallFault(service, operation, client);
    if (fault?.delayMs) await pause(fault.delayMs);
    const fails = fault !== undefined && (fault.error !== undefined || !fault.delayMs);
    if (fails && !fault.afterEffect) throw faultError(fault);
    const response = await call.run();
    if (fails) throw faultError(fault);
    return { response };
  }

  function requireAllowed(
    { arn, principal, roleArn = '' }: Client,
    service: string,
    accesses: readonly Access[],
  ) {
    const { policies = [] } = roles.get(roleArn) ?? {};
    const grantedAccesses = accessesByPrincipal.get(principal) ?? new Map<string, Access>();
    accessesByPrincipal.set(principal, grantedAccesses);
    for (const access of accesses) {
      if (!isAllowed(policies, access)) throw accessDenied(service, arn, access.action, access.resource);
      if (grantedAccesses.size < maxGrantedRecords) grantedAccesses.set(JSON.stringify(access), access);
    }
  }

  return {
    handle,
    /** The permissions that each function used, by file name. A function does not need the rest of its policy. */
    grantedAccesses: (): ReadonlyMap<string, readonly Access[]> =>
      new Map([...accessesByPrincipal].map(([principal, accesses]) => [principal, [...accesses.values()]])),
  };
}

/** The access of an unmodelled service: no policy allows it. */
function unknownAccess({ signingName }: AwsService): readonly Access[] {
  return [{ action: `${signingName}:Unknown`, resource: '*' }];
}
