import { randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { InFlight } from '../in-flight.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import {
  type EnvironmentSettings,
  type ExecutionEnvironment,
  type Outcome,
  startEnvironment,
} from './execution-environment.ts';
import { unzip } from './unzip.ts';

export interface FunctionConfiguration {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  /** A deployment package, or a folder with its content. */
  readonly code: string;
  /** `path/to/file.export` */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
}

export interface AsynchronousSettings {
  readonly maximumRetries: number;
  /** ARN of the on-failure destination: a queue or topic. */
  readonly onFailure?: string | undefined;
}

export interface LambdaOptions {
  /** The folder for unpacked deployment packages; Lambda first deletes its content. */
  readonly folder: string;
  readonly openMap?: OpenMap;
  readonly clock: Clock;
  readonly clockOffset: SharedArrayBuffer;
  readonly inFlight: InFlight;
  /** The runtime's environment variables of a function: Region, credentials, endpoint. */
  readonly createEnvironment: (configuration: FunctionConfiguration) => Readonly<Record<string, string>>;
  readonly onOutput: (functionName: string, text: string) => void;
  /** Sends the failure record of an event to its destination. */
  readonly sendToDestination: (destinationArn: string, record: unknown) => void;
}

export type Lambda = Awaited<ReturnType<typeof createLambda>>;

type Failure = Extract<Outcome, { readonly ok: false }>;

interface DeployedFunction {
  readonly configuration: FunctionConfiguration;
  readonly settings: EnvironmentSettings;
  readonly idle: ExecutionEnvironment[];
  readonly running: Set<ExecutionEnvironment>;
  readonly waiters: (() => void)[];
  asynchronous: AsynchronousSettings;
}

/** An accepted asynchronous event, retried until it succeeds or its attempts are used up. */
interface AcceptedEvent {
  readonly functionArn: string;
  readonly event: unknown;
  readonly attempts: number;
  readonly dueAt: number;
}

/** AWS allows 1,000 concurrent executions per account. A laptop has fewer cores, and an environment takes about 20 MB. */
const concurrencyOfOneFunction = 2;

/** Lambda retries a failed asynchronous event after one minute, and again after two. */
const retryDelaysMs = [60_000, 120_000];

/** An idle execution environment stops after this time if another one remains. */
const idleMs = 30_000;

export async function createLambda(options: LambdaOptions) {
  const { clock, inFlight, folder, openMap = inMemory } = options;
  await rm(folder, { recursive: true, force: true });
  const accepted = openMap<AcceptedEvent>('lambda/accepted');
  const deployed = new Map<string, DeployedFunction>();
  let isStopped = false;

  function find(functionArn: string): DeployedFunction {
    const deployedFunction = deployed.get(functionArn);
    if (!deployedFunction) throw new Error(`there is no function \`${functionArn}\``);
    return deployedFunction;
  }

  async function createFunction(configuration: FunctionConfiguration) {
    const taskRoot = await unpackCode(configuration.code, join(folder, configuration.name));
    const lastDot = configuration.handler.lastIndexOf('.');
    const settings: EnvironmentSettings = {
      file: join(taskRoot, `${configuration.handler.slice(0, lastDot)}.js`),
      handler: configuration.handler.slice(lastDot + 1),
      memoryMb: configuration.memoryMb,
      timeoutMs: configuration.timeoutMs,
      clockOffset: options.clockOffset,
      environment: {
        ...runtimeEnvironment(configuration),
        ...options.createEnvironment(configuration),
        ...configuration.environment,
      },
      onOutput: (text) => options.onOutput(configuration.name, text),
    };
    deployed.set(configuration.arn, {
      configuration,
      settings,
      idle: [],
      running: new Set(),
      waiters: [],
      asynchronous: { maximumRetries: retryDelaysMs.length },
    });
  }

  /** Invokes the function synchronously, as event source mappings and the HTTP API do. */
  async function invoke(functionArn: string, event: unknown): Promise<Outcome> {
    const target = find(functionArn);
    const { configuration, idle, running, waiters } = target;
    return inFlight.track(async () => {
      while (running.size >= concurrencyOfOneFunction)
        await new Promise<void>((resolve) => waiters.push(resolve));
      if (isStopped)
        return { ok: false, error: { errorType: 'Sandbox.Stopped', errorMessage: 'the sandbox stops' } };

      const environment = idle.pop() ?? startEnvironment(target.settings);
      running.add(environment);
      const outcome = await environment.invoke(event, lambdaContext(configuration));
      running.delete(environment);
      if (environment.isAlive()) rest(environment, idle);
      waiters.shift()?.();
      return outcome;
    });
  }

  /** Schedules the stop of an idle environment; the last one of a function remains. */
  function rest(environment: ExecutionEnvironment, idle: ExecutionEnvironment[]) {
    idle.push(environment);
    if (idle.length === 1) return;
    setTimeout(() => {
      if (idle.length > 1) void idle.shift()?.stop();
    }, idleMs).unref();
  }

  /**
   * Invokes the function asynchronously with retries, as EventBridge and SNS do. Returns the outcome of the first attempt.
   */
  function invokeAsynchronously(functionArn: string, event: unknown): Promise<Outcome> {
    const id = randomUUID();
    accepted.set(id, { functionArn, event, attempts: 0, dueAt: clock.now() });
    return attempt(id, { functionArn, event, attempts: 0 });
  }

  async function attempt(
    id: string,
    { functionArn, event, attempts }: Omit<AcceptedEvent, 'dueAt'>,
  ): Promise<Outcome> {
    const outcome = await invoke(functionArn, event);
    if (isStopped) return outcome;
    const { maximumRetries, onFailure } = find(functionArn).asynchronous;
    const delayMs = retryDelaysMs.slice(0, maximumRetries)[attempts];
    if (!outcome.ok && delayMs !== undefined) {
      const again = { functionArn, event, attempts: attempts + 1, dueAt: clock.now() + delayMs };
      accepted.set(id, again);
      clock.at(again.dueAt, () => void attempt(id, again));
      return outcome;
    }
    accepted.delete(id);
    if (!outcome.ok && onFailure !== undefined) {
      options.sendToDestination(onFailure, failureRecord(functionArn, event, outcome, attempts + 1, clock));
    }
    return outcome;
  }

  /** Continues with the unfinished asynchronous events of before a restart. */
  function resume() {
    for (const [id, event] of accepted)
      if (deployed.has(event.functionArn)) clock.at(event.dueAt, () => void attempt(id, event));
      else accepted.delete(id);
  }

  /** Starts one execution environment per function, so that the first event has no cold start. */
  async function warm() {
    for (const { idle, running, settings } of deployed.values()) {
      if (idle.length + running.size > 0 || isStopped) continue;
      const environment = startEnvironment(settings);
      await environment.ready;
      if (environment.isAlive()) idle.push(environment);
    }
  }

  return {
    createFunction,
    configureAsynchronous(functionArn: string, settings: AsynchronousSettings) {
      find(functionArn).asynchronous = settings;
    },
    functions: (): readonly FunctionConfiguration[] =>
      [...deployed.values()].map(({ configuration }) => configuration),
    invoke,
    invokeAsynchronously,
    resume,
    warm,
    async stop() {
      isStopped = true;
      const environments = [...deployed.values()].flatMap(({ idle, running }) => [...idle, ...running]);
      await Promise.all(environments.map((environment) => environment.stop()));
    },
  };
}

async function unpackCode(code: string, folder: string): Promise<string> {
  if ((await stat(code)).isDirectory()) return code;
  await unzip(code, folder);
  return folder;
}

function runtimeEnvironment({ name, memoryMb }: FunctionConfiguration): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    TZ: ':UTC',
  };
}

function lambdaContext({ name, arn, memoryMb }: FunctionConfiguration) {
  return {
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: arn,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: randomUUID(),
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function failureRecord(
  functionArn: string,
  event: unknown,
  outcome: Failure,
  attempts: number,
  clock: Clock,
) {
  return {
    version: '1.0',
    timestamp: new Date(clock.now()).toISOString(),
    requestContext: {
      requestId: randomUUID(),
      functionArn: `${functionArn}:$LATEST`,
      condition: 'RetriesExhausted',
      approximateInvokeCount: attempts,
    },
    requestPayload: event,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: outcome.error,
  };
}
