import { type ExitReason, exitCodes } from './exit-codes.ts';

/** The error code of a CommandError that has no code of the API. */
const defaultCodes: Readonly<Record<ExitReason, string>> = {
  failed: 'Failed',
  usageError: 'UsageError',
  checkFailed: 'CheckFailed',
};

interface CommandErrorOptions extends ErrorOptions {
  /** The error code in the output of `--json`. */
  readonly code?: string;
}

/** A failed command. The message names the next step; it is empty if the result names it. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly exitCode: number;
  readonly code: string;

  constructor(
    reason: ExitReason,
    message: string,
    { code = defaultCodes[reason], ...options }: CommandErrorOptions = {},
  ) {
    super(message, options);
    this.exitCode = exitCodes[reason];
    this.code = code;
  }
}

/** The API's list changed during the read, or its page token expired: the reader starts again. */
export class StaleListError extends CommandError {
  override readonly name = 'StaleListError';

  constructor() {
    super('failed', 'the list changed while its pages were read: run the command again', {
      code: 'ExpiredToken',
    });
  }
}
