import { createHmac, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';

const LinkClaims = v.object({
  /** The one action of the link. For a connected endpoint, `approve` keeps it connected and `deny` disconnects it. */
  purpose: v.picklist(['approve', 'deny', 'extend']),
  endpointId: v.string(),
  /** The version of the approval request: a new approval request invalidates older links. */
  version: v.number(),
  /** The address of the approver, who is the author of the decision. */
  address: v.string(),
  /** ISO 8601: the disconnect time that the e-mail shows. If it has changed since, the link does not extend. */
  disconnectAt: v.exactOptional(v.string()),
  /** ISO 8601 */
  expiresAt: v.string(),
});
/** The payload of a link in an e-mail. */
export type LinkClaims = Readonly<v.InferOutput<typeof LinkClaims>>;

export type ApprovalLink =
  | { readonly status: 'valid'; readonly claims: LinkClaims }
  | { readonly status: 'expired'; readonly claims: LinkClaims }
  /** No accepted key matches the signature. */
  | { readonly status: 'invalid-signature' };

/** An empty key signs nothing: anybody could forge a link. */
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

/** @param keys the accepted values of `links/signing-key`; an empty list accepts no link */
export function verifyToken(token: string, keys: readonly string[], now: Date): ApprovalLink {
  const [, payload, signature] = /^1\.([\w-]+)\.([\w-]{43})$/.exec(token) ?? [];
  if (payload === undefined || signature === undefined) return { status: 'invalid-signature' };
  if (!keys.some((key) => timingSafeEqual(Buffer.from(signPayload(payload, key)), Buffer.from(signature))))
    return { status: 'invalid-signature' };
  const claims = v.parse(LinkClaims, JSON.parse(Buffer.from(payload, 'base64url').toString()));
  return { status: new Date(claims.expiresAt) > now ? 'valid' : 'expired', claims };
}

/** `verifyToken` compares the base64url text, not the bytes: several texts decode to the same bytes. */
function signPayload(payload: string, key: string): string {
  if (key === '') throw new NoSigningKeyError('the key that signs links is empty');
  // The prefix separates this signature from other signatures with the same key.
  return createHmac('sha256', key).update(`linkgate approval link 1\n${payload}`).digest('base64url');
}
