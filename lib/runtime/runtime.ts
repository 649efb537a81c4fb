/** What differs from one run to the next, so that everything else can be replayed. */
export interface Runtime {
  now(): Date;
  /** As it stands in the logs; each audit entry names it. */
  readonly requestId: string;
  /** Says loudly what broke where the rest of the work goes on. */
  readonly reportError: (error: unknown) => void;
}

/** Does one piece of work; what breaks is reported, and the others go on. */
export async function orReported<T>(
  reportError: Runtime['reportError'],
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    reportError(error);
    return undefined;
  }
}

/** Says of each input whether its work was done, so that one failure neither stops the others nor is forgotten. */
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
