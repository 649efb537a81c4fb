/** What the command line has of the world around it, so that tests can pass in another. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly clock: Clock;
}

interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface Clock {
  sleep(milliseconds: number): Promise<void>;
  /** @returns what calls it off */
  after(milliseconds: number, act: () => void): () => void;
}

export const realWorld: World = {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: {
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    after(milliseconds, act) {
      const timer = setTimeout(act, milliseconds);
      return () => clearTimeout(timer);
    },
  },
};
