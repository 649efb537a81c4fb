/** What a command exits with; 0 is done. `checkFailed`: it did what it was asked, and found something wrong. */
export const exitCodes = { failed: 1, calledWrongly: 2, checkFailed: 3 } as const;

/** A command cannot do what it was asked; the message says to a person what to do; it is empty where the result has said it. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly exitCode: number;

  constructor(reason: keyof typeof exitCodes, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCodes[reason];
  }
}

/** The list that is read page by page changed meanwhile, or was read too slowly: it begins again. */
export class StaleListError extends CommandError {
  override readonly name = 'StaleListError';

  constructor() {
    super('failed', 'the list changed while its pages were read: run the command again');
  }
}
