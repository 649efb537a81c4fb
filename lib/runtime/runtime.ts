/** The inputs that differ between invocations. Everything else is deterministic. */
export interface Runtime {
  now(): Date;
  /** Lambda's request id, as in the logs. Each audit entry names it. */
  readonly requestId: string;
  /** Logs an error after which the rest of the work continues. `operation` names the work that failed, as in `read item`. */
  readonly reportError: (error: unknown, operation: string) => void;
}

/** Runs one piece of work. An error is reported and does not stop the rest. */
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

/** Runs the work for each input and returns each output or error, so that one failure does not stop the others. */
export async function settleEach<Input, Output>(
  inputs: readonly Input[],
  work: (input: Input) => Promise<Output>,
): Promise<Array<{ input: Input; output: Output } | { input: Input; error: unknown }>> {
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
