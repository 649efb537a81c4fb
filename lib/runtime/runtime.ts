/** The inputs that differ between invocations. Everything else is deterministic. */
export interface Runtime {
  now(): Date;
  /** The Lambda request id, as in the logs. Each audit entry contains it. */
  readonly requestId: string;
  /** Logs a non-fatal error: the remaining work continues. `operation` names the failed work, such as `read item`. */
  readonly reportError: (error: unknown, operation: string) => void;
}

/** Runs one operation. Reports its error, which does not stop the rest. */
export async function orReported<T>(
  reportError: Runtime['reportError'],
  operation: string,
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    reportError(error, operation);
    return undefined;
  }
}

/** The output of an operation for an input, or its error. */
export type Settled<Input, Output> = { input: Input; output: Output } | { input: Input; error: unknown };

/** Runs the operation for each input and returns each output or error, so that one failure does not stop the others. */
export async function settleEach<Input, Output>(
  inputs: readonly Input[],
  work: (input: Input) => Promise<Output>,
): Promise<Settled<Input, Output>[]> {
  return Promise.all(
    inputs.map(async (input) => {
      try {
        return { input, output: await work(input) };
      } catch (error) {
        return { input, error };
      }
    }),
  );
}
