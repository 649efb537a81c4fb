import { ThrottledError } from '../privatelink/connections.ts';

const ec2ThrottlingCodes = new Set(['RequestLimitExceeded', 'Throttling', 'ThrottlingException']);

/**
 * Converts EC2's throttling errors. EC2 may throttle below the account's own limit, because PrivateLink throttles organizations
 * too.
 */
export function toThrottledError(error: unknown): ThrottledError | undefined {
  return error instanceof Error && ec2ThrottlingCodes.has(error.name)
    ? new ThrottledError(error.message, { cause: error })
    : undefined;
}
