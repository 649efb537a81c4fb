import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { showControls } from './control-characters.ts';

/** The input and output of the process. Tests replace them. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** Absent if standard input is unreadable. */
  readonly stdin?: Stdin;
  readonly clock: Clock;
}

interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  /** Whether the stream shows linkgate's own colours. */
  readonly isColoured?: boolean;
}

export interface Stdin {
  readonly isTTY?: boolean | undefined;
  /** Reads lines from standard input. A terminal echoes typed lines only with `isShown`. */
  lines(options?: { readonly isEchoed?: boolean }): AsyncIterable<string>;
}

export interface Clock {
  sleep(milliseconds: number): Promise<void>;
  /** @returns a function that cancels the timer */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Wraps the process so that its terminals show control characters escaped. */
export function withSafeTerminals(io: Io): Io {
  return { ...io, stdout: safeTerminal(io.stdout, io), stderr: safeTerminal(io.stderr, io) };
}

function safeTerminal(terminal: Terminal, { env }: Io): Terminal {
  const isColoured = terminal.isTTY === true && !env.NO_COLOR;
  return {
    write: (text) => terminal.write(showControls(text, { isColoured })),
    isTTY: terminal.isTTY,
    columns: terminal.columns,
    isColoured,
  };
}

export const processIo: Io = {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: { isTTY: process.stdin.isTTY, lines: typedLines },
  clock: {
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    after(milliseconds, callback) {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
  },
};

async function* typedLines({ isEchoed = false } = {}): AsyncGenerator<string> {
  const { stdin } = process;
  const discard = new Writable({ write: (_chunk, _encoding, callback) => callback() });
  const output = isEchoed ? process.stderr : discard;
  const lines = createInterface({ input: stdin, output, terminal: stdin.isTTY === true });
  // Raw mode, which hides the typed keys, disables Ctrl-C in the terminal.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    yield* lines;
  } finally {
    lines.close();
    // An open terminal input would keep the process from exiting.
    stdin.destroy();
  }
}
