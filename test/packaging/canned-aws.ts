import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CannedResponse {
  readonly status?: number;
  readonly body: string;
}

/** Responds to every request with the last canned response, and records requests. */
export async function cannedAws() {
  const requests: string[] = [];
  let canned: CannedResponse = { body: '' };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    requests.push(`${request.headers['x-amz-target'] ?? ''}${Buffer.concat(parts)}`);
    const type = request.headers['x-amz-target'] ? 'application/x-amz-json-1.0' : 'text/xml';
    response.writeHead(canned.status ?? 200, { 'content-type': type }).end(canned.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer(next: CannedResponse) {
      canned = next;
      requests.length = 0;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
