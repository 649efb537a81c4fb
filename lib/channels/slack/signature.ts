import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a caller offers as proof that Slack sent a request. */
export interface SignedRequest {
  readonly timestamp: string;
  readonly signature: string;
  /** As it was received: any other bytes have another signature. */
  readonly body: Buffer;
}

/** How far a request's time may be from now, in seconds, into the future too. */
const maxTimestampAgeSeconds = 300;

/** @returns undefined where no secret could make it a proof. */
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

/** Whether one of the secrets made the proof. An empty secret proves nothing: anybody has it. */
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
