import { Worker } from 'node:worker_threads';

/** The result or the error of an invocation, in Lambda's form. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: FunctionError };

/** Returns the ids of the items that the function reports as failed, or undefined if it threw. */
export function batchItemFailures(outcome: Outcome): string[] | undefined {
  if (!outcome.ok) return undefined;
  const value = outcome.value as { batchItemFailures?: { itemIdentifier: string }[] } | null;
  return (value?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier);
}

interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export interface EnvironmentSettings {
  /** The bundle that exports the handler. */
  readonly file: string;
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
  /** The clock offset in milliseconds as a shared Float64; the sandbox changes it. */
  readonly clockOffset: SharedArrayBuffer;
  readonly onOutput: (text: string) => void;
}

export type ExecutionEnvironment = ReturnType<typeof startEnvironment>;

type Message =
  | { type: 'ready' }
  | { type: 'result'; payload: string }
  | { type: 'error'; error: FunctionError };

/** Node's default, about 48 MB, would be most of the memory of the many environments. */
const maxYoungGenerationSizeMb = 6;

const workerFile = new URL('./worker.cjs', import.meta.url);

/** Starts an execution environment of a function. It handles one event at a time. */
export function startEnvironment(settings: EnvironmentSettings) {
  const { timeoutMs, onOutput } = settings;
  const worker = new Worker(workerFile, {
    stdout: true,
    stderr: true,
    execArgv: [],
    // The limit bounds the heap of the handler; modules and stacks of a worker are outside the old generation.
    resourceLimits: { maxOldGenerationSizeMb: settings.memoryMb, maxYoungGenerationSizeMb },
    env: settings.environment,
    workerData: { clockOffset: settings.clockOffset, file: settings.file, handler: settings.handler },
  });
  let alive = true;
  let exitError: FunctionError = {
    errorType: 'Runtime.ExitError',
    errorMessage: 'the runtime exited without a response',
  };

  worker.stdout.on('data', (chunk) => onOutput(String(chunk)));
  worker.stderr.on('data', (chunk) => onOutput(String(chunk)));
  worker.on('error', (error) => {
    exitError = {
      errorType: error.name,
      errorMessage: error.message,
      trace: String(error.stack).split('\n'),
    };
    onOutput(`${error.stack}\n`);
  });
  worker.on('exit', () => {
    alive = false;
  });

  const ready = new Promise<void>((resolve) => {
    worker.once('message', () => resolve());
    worker.once('exit', () => resolve());
  });

  async function invoke(event: unknown, context: Readonly<Record<string, unknown>>): Promise<Outcome> {
    await ready;
    if (!alive) return { ok: false, error: exitError };

    return new Promise<Outcome>((resolve) => {
      const timer = setTimeout(() => {
        const seconds = (timeoutMs / 1000).toFixed(2);
        exitError = {
          errorType: 'Sandbox.Timedout',
          errorMessage: `Task timed out after ${seconds} seconds`,
        };
        void worker.terminate();
      }, timeoutMs);
      const settle = (outcome: Outcome) => {
        clearTimeout(timer);
        worker.off('message', onMessage).off('exit', onExit);
        resolve(outcome);
      };
      const onExit = () => settle({ ok: false, error: exitError });
      const onMessage = (message: Message) => {
        if (message.type === 'result') settle({ ok: true, value: JSON.parse(message.payload) });
        else if (message.type === 'error') settle({ ok: false, error: message.error });
      };
      worker.on('message', onMessage).on('exit', onExit);
      worker.postMessage({ event, context, timeoutMs });
    });
  }

  return { ready, isAlive: () => alive, invoke, stop: () => worker.terminate() };
}
