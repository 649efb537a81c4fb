import { createHmac, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';

const LinkClaims = v.object({
  /** A link does one thing alone. Of a connection, to approve keeps it connected and to deny disconnects it. */
  purpose: v.picklist(['approve', 'deny', 'extend']),
  endpointId: v.string(),
  /** The asking's: a request that is asked anew makes older links void. */
  version: v.number(),
  /** Whose word it is. */
  address: v.string(),
  /** ISO 8601: from when it extends a connection; where that has changed since, it does not. */
  disconnectAt: v.exactOptional(v.string()),
  /** ISO 8601 */
  expiresAt: v.string(),
});
/** What a link of a mail confers, and on whom. */
export type LinkClaims = Readonly<v.InferOutput<typeof LinkClaims>>;

export type ApprovalLink =
  | { readonly status: 'valid'; readonly claims: LinkClaims }
  | { readonly status: 'expired'; readonly claims: LinkClaims }
  /** No key that is accepted made it. */
  | { readonly status: 'tampered' };

/** Without a key anybody could make links. */
export class NoSigningKeyError extends Error {
  override readonly name = 'NoSigningKeyError';
}

/**
 * @param key the current value of `links/signing-key`
 * @throws NoSigningKeyError
 */
export function createLink(approvalUrl: string, claims: LinkClaims, key: string): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${approvalUrl}?token=1.${payload}.${signPayload(payload, key)}`;
}

/** @param keys the values of `links/signing-key` that are accepted: none accepts no link. */
export function verifyToken(token: string, keys: readonly string[], now: Date): ApprovalLink {
  const [, payload, given] = /^1\.([\w-]+)\.([\w-]{43})$/.exec(token) ?? [];
  if (payload === undefined || given === undefined) return { status: 'tampered' };
  if (!keys.some((key) => timingSafeEqual(Buffer.from(signPayload(payload, key)), Buffer.from(given))))
    return { status: 'tampered' };
  const claims = v.parse(LinkClaims, JSON.parse(Buffer.from(payload, 'base64url').toString()));
  return { status: new Date(claims.expiresAt) > now ? 'valid' : 'expired', claims };
}

/** Its text is compared, not its bytes, of which several texts tell. */
function signPayload(payload: string, key: string): string {
  if (key === '') throw new NoSigningKeyError('the key that signs links is empty');
  // The first line keeps it apart from all else that the same key may ever sign.
  return createHmac('sha256', key).update(`linkgate approval link 1\n${payload}`).digest('base64url');
}
