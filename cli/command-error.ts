/** What a command exits with; 0 is done. */
export const exitCodes = { failed: 1, calledWrongly: 2 } as const;

/** A command cannot do what it was asked; the message says to a person what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(reason: keyof typeof exitCodes, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCodes[reason];
  }
}
