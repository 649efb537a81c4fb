import { CommanderError } from 'commander';
import { CommandError } from './command-error.ts';
import { markControls, safeJson } from './control-characters.ts';
import { exitCodes } from './exit-codes.ts';
import { type Io, processIo, withSafeTerminals } from './process-io.ts';
import { createProgram } from './program.ts';
import { progressOn } from './progress.ts';
import { createSession } from './session.ts';

/** @returns the exit code */
export async function main(argv: readonly string[], outside: Io = processIo): Promise<number> {
  const safe = withSafeTerminals(outside);
  let hasPrinted = false;
  const io: Io = {
    ...safe,
    stdout: {
      ...safe.stdout,
      write(text) {
        hasPrinted = true;
        return safe.stdout.write(text);
      },
    },
  };
  const progress = progressOn(io);
  try {
    const program = createProgram((options) => createSession(options, io, progress), io);
    await program.parseAsync(argv.map(markControls), { from: 'user' });
    return 0;
  } catch (error) {
    const failure = toFailure(error);
    if (!failure) return 0;
    const { exitCode, code, message, isPrinted } = failure;
    if (message && !isPrinted) io.stderr.write(`error: ${message}\n`);
    // A command that fails after its result has already printed its one JSON document.
    if (wantsJson(argv) && !hasPrinted) io.stdout.write(`${safeJson({ error: { code, message } }, 2)}\n`);
    return exitCode;
  } finally {
    progress.end();
  }
}

interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  /** Commander has already written its own error to standard error. */
  readonly isPrinted: boolean;
}

/** @returns undefined for the help and the version, for which commander throws too. */
function toFailure(error: unknown): Failure | undefined {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return undefined;
    const message =
      error.code === 'commander.help'
        ? 'name a command; see `linkgate --help`'
        : error.message.replace(/^error: /, '');
    return { exitCode: exitCodes.usageError, code: 'UsageError', message, isPrinted: true };
  }
  if (error instanceof CommandError) {
    const { exitCode, code, message } = error;
    return { exitCode, code, message, isPrinted: false };
  }
  return { exitCode: exitCodes.failed, code: 'InternalError', message: stackText(error), isPrinted: false };
}

/** Reads `--json` from the arguments, because commander may throw before it parses any option. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? undefined : end).includes('--json');
}

/** Marks control characters in the message, and keeps the line breaks of the stack. */
function stackText(error: unknown): string {
  if (!(error instanceof Error)) return markControls(String(error));
  const { message, stack = '' } = error;
  return stack.replace(message, () => markControls(message)) || markControls(message);
}
