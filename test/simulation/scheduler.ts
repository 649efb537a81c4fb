import type { Random } from './random.ts';

export type Scheduler = ReturnType<typeof createScheduler>;

/**
 * Each call waits for its turn, and the seed picks the next call. So concurrent work interleaves in any order, and
 * the same seed always gives the same order. Only the scheduler advances the time.
 * @param pace the maximum milliseconds of a turn.
 */
export function createScheduler(random: Random, start: number, pace: number) {
  let now = start;
  let turns = 0;
  const waitingCalls: (() => void)[] = [];
  const timers: { readonly at: number; readonly go: () => void }[] = [];

  /** @returns whether a waiting call got its turn. */
  function runDueTimers(): boolean {
    const isAnyDue = timers[0] !== undefined && timers[0].at <= now;
    for (let first = timers[0]; first && first.at <= now; first = timers[0]) {
      timers.shift();
      first.go();
    }
    return isAnyDue;
  }

  function at(time: number, go: () => void): void {
    const earlier = timers.findLastIndex((timer) => timer.at <= time);
    timers.splice(earlier + 1, 0, { at: time, go });
  }

  return {
    at,
    now: () => now,
    turns: () => turns,
    turn: () => new Promise<void>((go) => waitingCalls.push(go)),
    sleep: (milliseconds: number) => new Promise<void>((go) => at(now + milliseconds, go)),

    /** Gives out turns until `isOver`, or until no call waits and no timer is left. */
    async runUntil(isOver: () => boolean): Promise<void> {
      while (true) {
        await flushPromises();
        if (isOver()) return;
        const isAnyWoken = runDueTimers();
        const [next] =
          waitingCalls.length > 0 ? waitingCalls.splice(random.below(waitingCalls.length), 1) : [];
        if (next) {
          turns++;
          now += random.below(pace + 1);
          next();
        } else if (timers[0]) now = Math.max(now, timers[0].at);
        else if (!isAnyWoken) return;
      }
    },
  };
}

/** After one turn of the event loop, all promises that need no turn have run. */
function flushPromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
