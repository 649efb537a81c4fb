import { ExpiredTokenError } from '../storage/cursor.ts';

/** Detects an expired page token. The error code differs by EC2 call, and some calls name the token only in the message. */
export function toExpiredTokenError(error: unknown): ExpiredTokenError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  const isStale =
    /(Next|Pagination)Token/.test(name) || (/^InvalidParameter/.test(name) && /token/i.test(message));
  return isStale ? new ExpiredTokenError({ cause: error }) : undefined;
}
