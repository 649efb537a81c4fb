/** The exit codes other than 0. `checkFailed`: the command succeeded, and a check failed. */
export const exitCodes = { failed: 1, usageError: 2, checkFailed: 3 } as const;

export type ExitReason = keyof typeof exitCodes;

/** Maps an error of the API to its exit code. A malformed request is a usage error; an unknown service or connection is not. */
export function selectExitReason(httpStatus: number, errorCode: string): ExitReason {
  return httpStatus === 400 || errorCode === 'BlankText' ? 'usageError' : 'failed';
}
