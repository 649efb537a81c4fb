/** The exit codes; 0 is done. `checkFailed`: the command is done, and a check failed. */
export const exitCodes = { failed: 1, usageError: 2, checkFailed: 3 } as const;

export type ExitReason = keyof typeof exitCodes;

/** The exit code for an error of the API: a malformed request is a usage error, an unknown service or connection is not. */
export function selectExitReason(httpStatus: number, errorCode: string): ExitReason {
  return httpStatus === 400 || errorCode === 'BlankText' ? 'usageError' : 'failed';
}
