import { ThrottledError } from '../privatelink/connections.ts';

const codes = new Set(['RequestLimitExceeded', 'Throttling', 'ThrottlingException']);

/** EC2's wish for fewer calls, which may come below the account's own limit: PrivateLink throttles organizations too. */
export function toThrottledError(error: unknown): ThrottledError | undefined {
  return error instanceof Error && codes.has(error.name)
    ? new ThrottledError(error.message, { cause: error })
    : undefined;
}
