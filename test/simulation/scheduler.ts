import type { Random } from './random.ts';

export type Scheduler = ReturnType<typeof createScheduler>;

/**
 * Whoever is about to touch the world waits here for a turn, and the seed says who goes next: so everything that runs at the same
 * time interleaves in any order, and one seed always in the same. Time passes only here.
 * @param pace the most milliseconds that a turn takes.
 */
export function createScheduler(random: Random, start: number, pace: number) {
  let now = start;
  let turns = 0;
  const waiting: (() => void)[] = [];
  const timers: { readonly at: number; readonly go: () => void }[] = [];

  /** @returns whether somebody was woken up. */
  function setOff(): boolean {
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
    turn: () => new Promise<void>((go) => waiting.push(go)),
    sleep: (milliseconds: number) => new Promise<void>((go) => at(now + milliseconds, go)),

    /** Gives out turns until it is over, or until nobody wants one and no timer runs. */
    async runUntil(isOver: () => boolean): Promise<void> {
      while (true) {
        await everybodyWaits();
        if (isOver()) return;
        const isAnyWoken = setOff();
        const [next] = waiting.length > 0 ? waiting.splice(random.below(waiting.length), 1) : [];
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

/** All promises that can go on without a turn have done so once the event loop comes round. */
function everybodyWaits(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
