import { ExpiredTokenError } from '../storage/cursor.ts';

/** EC2 no longer takes the token of a page: calls say so by different codes, some of them in the message alone. */
export function toExpiredTokenError(error: unknown): ExpiredTokenError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  const isStale =
    /(Next|Pagination)Token/.test(name) || (/^InvalidParameter/.test(name) && /token/i.test(message));
  return isStale ? new ExpiredTokenError({ cause: error }) : undefined;
}
