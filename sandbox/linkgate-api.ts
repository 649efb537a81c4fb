import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

/** Calls linkgate's HTTP API as the root of an account. Returns the body; throws an error response. */
export async function callLinkgate(
  apiUrl: string,
  accountId: string,
  method: string,
  path: string,
  input?: unknown,
): Promise<unknown> {
  const url = new URL(`${apiUrl}${path}`);
  const signer = new SignatureV4({
    service: 'execute-api',
    region: 'us-east-1',
    credentials: { accessKeyId: accountId, secretAccessKey: 'not-verified' },
    sha256: NodeSha256,
  });
  const body = input === undefined ? undefined : JSON.stringify(input);
  const { headers } = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    port: Number(url.port),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
  });
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  const answer = await response.text();
  if (!response.ok) throw new Error(`linkgate answered ${method} ${path} with ${response.status}: ${answer}`);
  return JSON.parse(answer);
}

/** The SDK's signer needs the hash as a class. */
class NodeSha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string);
  }

  update(data: string | ArrayBuffer | ArrayBufferView) {
    this.hash.update(data as string);
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }

  /** The signer creates a new instance for each digest. */
  reset() {}
}
