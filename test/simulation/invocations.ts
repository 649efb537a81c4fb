import type { CallKind, Faults } from './faults.ts';
import type { Version, VersionRollout } from './mixed-versions.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** The result of an invocation. A crash returns nothing, but its effects stay. */
export type InvocationResult<T> =
  | { readonly status: 'done'; readonly output: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'crashed' };

/** One invocation of a function. */
export interface Run {
  readonly requestId: string;
  readonly functionName: string;
  readonly version: Version;
  readonly reportError: (error: unknown) => void;
  readonly startedAt: number;
  readonly now: () => Date;
  readonly remainingMs: () => number;
  readonly isOver: () => boolean;
  /** Whether a fault occurred, so that it may have left partial work. */
  readonly isImpaired: () => boolean;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Waits for its turn, then runs the effect in one step; the seed may draw a fault. */
  readonly call: <T>(kind: CallKind, effect: (fault?: EffectFault) => T) => Promise<T>;
}

/** A fault that the effect itself implements; `late`: its caller has timed out. */
export type EffectFault = 'stale' | 'stale token' | 'late' | 'busy';

/** Controls the lifecycle of a run from its calls. */
interface RunLifecycle {
  readonly isAlive: () => boolean;
  readonly crash: (point: string) => void;
  readonly markImpaired: () => void;
}

/** A failure of EC2, DynamoDB or a queue with unknown effect. */
class InternalError extends Error {
  override readonly name = 'InternalError';
}

/** The maximum duration of a call in milliseconds, longer than any function timeout. */
const maxCallMs = 120_000;
/** The maximum delay of an effect after its caller timed out, in milliseconds. */
const maxLateEffectMs = 20_000;

export type Invocations = ReturnType<typeof createInvocations>;

/** Runs functions as Lambda does: each may crash before and after every call, and stops at its timeout. */
export function createInvocations(
  random: Random,
  scheduler: Scheduler,
  faults: Faults,
  rollout: VersionRollout,
  note: (subject: string, event: string) => void,
  onError: (error: unknown) => void,
) {
  let count = 0;
  /** Counts `killAll`. */
  let deployments = 0;
  /** The running invocations by version. */
  const running: Record<Version, number> = { deployed: 0, next: 0 };

  function invoke<T>(
    functionName: string,
    seconds: number,
    work: (run: Run) => Promise<T>,
  ): Promise<InvocationResult<T>> {
    const requestId = `${functionName}/${++count}`;
    const deadline = scheduler.now() + seconds * 1000;
    const deployment = deployments;
    const version = rollout.draw();
    running[version]++;
    if (running.deployed > 0 && running.next > 0) faults.count('two versions at once');
    return new Promise((resolve) => {
      let isAlive = true;
      let isImpaired = false;
      const end = (result: InvocationResult<T>, reason?: string) => {
        if (!isAlive) return;
        isAlive = false;
        running[version]--;
        if (result.status !== 'done') isImpaired = true;
        if (result.status === 'failed') onError(result.error);
        if (reason !== undefined) note(requestId, reason);
        resolve(result);
      };
      const call = createCall({
        isAlive() {
          if (scheduler.now() > deadline) end({ status: 'crashed' }, 'is killed: its time is up');
          if (deployment !== deployments) end({ status: 'crashed' }, 'is killed: its table was replaced');
          return isAlive;
        },
        crash: (point) => end({ status: 'crashed' }, `crashes ${point}`),
        markImpaired() {
          isImpaired = true;
        },
      });
      const run: Run = {
        requestId,
        functionName,
        version,
        reportError(error) {
          onError(error);
          note(requestId, `reports: ${error}`);
        },
        call,
        startedAt: deadline - seconds * 1000,
        now: () => new Date(scheduler.now()),
        remainingMs: () => deadline - scheduler.now(),
        isOver: () => !isAlive,
        isImpaired: () => isImpaired,
        sleep: scheduler.sleep,
      };
      work(run).then(
        (output) => end({ status: 'done', output }),
        (error: unknown) => end({ status: 'failed', error }, `fails: ${error}`),
      );
    });
  }

  function createCall({ isAlive, crash, markImpaired }: RunLifecycle) {
    const never = <T>() => new Promise<T>(() => {});
    return async <T>(kind: CallKind, effect: (fault?: EffectFault) => T): Promise<T> => {
      await scheduler.turn();
      if (!isAlive()) return never();
      const fault = faults.draw(kind);
      if (fault) markImpaired();
      switch (fault) {
        case 'crash before a call':
          crash(`before a call (${kind})`);
          return never();
        case 'crash after a call':
          effect();
          crash(`after a call (${kind})`);
          return never();
        case 'failure without effect':
          throw new InternalError(`${kind} failed`);
        case 'failure after the effect':
          effect();
          throw new InternalError(`${kind} failed after it was done`);
        case 'effect after the failure':
          scheduler.at(scheduler.now() + random.below(maxLateEffectMs), () => runLateEffect(effect));
          throw new InternalError(`${kind} timed out`);
        case 'throttling':
          throw Object.assign(new Error('Request limit exceeded.'), { name: 'RequestLimitExceeded' });
        case 'transaction conflict':
          throw new InternalError('transactions kept cancelling each other');
        case 'call that takes long':
          await scheduler.sleep(random.below(maxCallMs));
          return isAlive() ? effect() : never();
        case 'stale describe':
          return effect('stale');
        case 'stale page token':
          return effect('stale token');
        case 'Slack is busy':
          return effect('busy');
        case undefined:
          return effect();
        default:
          return fault satisfies never;
      }
    };
  }

  return {
    invoke,
    killAll(): void {
      deployments++;
    },
    running: () => running.deployed + running.next,
  };
}

/** Runs an effect whose caller has timed out, and ignores its error. */
function runLateEffect(effect: (fault: EffectFault) => unknown): void {
  try {
    effect('late');
  } catch {
    return;
  }
}
