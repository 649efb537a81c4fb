import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError, type AwsService } from '../../../sandbox/aws/aws-service.ts';
import { formatError, formatOutput, parseRequest } from '../../../sandbox/wire/wire.ts';

export interface TestServer {
  /** Returns the SDK client configuration of an account. */
  clientConfig(accountId: string): {
    endpoint: string;
    region: string;
    maxAttempts: number;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
  readonly url: string;
  close(): void;
}

/** Serves AWS services over HTTP; the credential scope selects the service. */
export async function serveServices(services: readonly AwsService[], now: () => number): Promise<TestServer> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const scope = /Credential=(\d{12})\/\d+\/([^/]+)\/([^/]+)/.exec(request.headers.authorization ?? '');
    const [, accountId = '', region = '', signingName = ''] = scope ?? [];
    const service = services.find((one) => one.signingName === signingName);
    if (!service) return response.writeHead(400).end();
    const contentType = String(request.headers['content-type'] ?? '');
    const context = {
      caller: { accountId, region, principal: 'root', arn: `arn:aws:iam::${accountId}:root` },
      now: now(),
      origin: `http://${request.headers.host}`,
    };
    const { method = 'POST', url = '/', headers } = request;
    try {
      const body = Buffer.concat(chunks);
      const { operation, input } = await parseRequest(service, { method, url, headers, body });
      const output = await service.operations[operation]?.(input as never, context);
      const answer = await formatOutput(service, operation, output, 'request-1', contentType);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch (error) {
      if (!(error instanceof AwsError)) return response.writeHead(500).end(String(error));
      const answer = await formatError(service, error, 'request-1', contentType);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    clientConfig: (accountId) => ({
      endpoint: url,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: accountId, secretAccessKey: 'secret' },
    }),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
