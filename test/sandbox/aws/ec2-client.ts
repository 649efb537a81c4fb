import { EC2 } from '@aws-sdk/client-ec2';
import { HttpResponse } from '@smithy/core/protocols';
import { AwsError, type AwsService, type Caller } from '../../../sandbox/aws/aws-service.ts';
import { formatError, formatOutput, parseRequest } from '../../../sandbox/wire/wire.ts';

interface ClientRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** An SDK client whose requests go directly to the service, through the wire format but not HTTP. */
export function ec2Client(service: AwsService, caller: Omit<Caller, 'principal'>, now: () => number): EC2 {
  async function answer(request: ClientRequest) {
    const wireRequest = {
      method: request.method,
      url: request.path,
      headers: request.headers,
      body: Buffer.from(String(request.body ?? '')),
    };
    try {
      const { operation, input } = await parseRequest(service, wireRequest);
      const context = { caller: { ...caller, principal: 'root' }, now: now(), origin: 'http://localhost' };
      const output = service.operations[operation]?.(input as never, context);
      return await formatOutput(service, operation, output, 'request-id');
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return formatError(service, error, 'request-id');
    }
  }

  return new EC2({
    region: caller.region,
    credentials: { accessKeyId: caller.accountId, secretAccessKey: 'any' },
    maxAttempts: 1,
    requestHandler: {
      async handle(request: ClientRequest) {
        const { status, headers, body } = await answer(request);
        return {
          response: new HttpResponse({
            statusCode: status,
            headers: { ...headers },
            body: Buffer.from(body),
          }),
        };
      },
    } as never,
  });
}
