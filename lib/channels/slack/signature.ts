import { createHmac, timingSafeEqual } from 'node:crypto';

/** The signature headers and the body of a request. */
export interface SignedRequest {
  readonly timestamp: string;
  readonly signature: string;
  /** The received bytes, which the signature covers exactly. */
  readonly body: Buffer;
}

/** The maximum difference between a timestamp and now, in the past and in the future. */
const maxTimestampAgeSeconds = 300;

/** @returns undefined if the headers are missing or malformed, or the timestamp is too old */
export function parseSignature(
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
  now: Date,
): SignedRequest | undefined {
  const timestamp = findHeader(headers, 'x-slack-request-timestamp');
  const signature = findHeader(headers, 'x-slack-signature');
  if (!timestamp || !/^\d{1,12}$/.test(timestamp)) return undefined;
  if (!signature || !/^v0=[0-9a-f]{64}$/.test(signature)) return undefined;
  const ageSeconds = Math.abs(Math.floor(now.getTime() / 1000) - Number(timestamp));
  return ageSeconds > maxTimestampAgeSeconds ? undefined : { timestamp, signature, body };
}

/** Whether one of the secrets made the signature. An empty secret never matches, because anybody could sign with it. */
export function verifySignature(
  secrets: readonly string[],
  { timestamp, signature, body }: SignedRequest,
): boolean {
  return secrets
    .filter((secret) => secret.trim() !== '')
    .some((secret) => {
      const mac = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
      return timingSafeEqual(Buffer.from(`v0=${mac}`), Buffer.from(signature));
    });
}

function findHeader(headers: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  return Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
}
