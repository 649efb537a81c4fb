/** A simulated clock. It advances only to the next timer, after all other work has run. */
export function simulatedClock(start: number) {
  let now = start;
  const timers: { readonly at: number; readonly go: () => void }[] = [];

  function at(time: number, go: () => void): void {
    const earlier = timers.findLastIndex((timer) => timer.at <= time);
    timers.splice(earlier + 1, 0, { at: time, go });
  }

  return {
    at,
    now: () => now,
    sleep: (milliseconds: number) => new Promise<void>((go) => at(now + milliseconds, go)),
    /** Runs until `isFinished` or until no timer is left. */
    async runUntil(isFinished: () => boolean): Promise<void> {
      while (!isFinished()) {
        // After one turn of the event loop, all work that needs no timer has run.
        await new Promise((resolve) => setImmediate(resolve));
        const next = timers[0]?.at;
        if (next === undefined) return;
        now = Math.max(now, next);
        while (timers[0] && timers[0].at <= now) timers.shift()?.go();
      }
    },
  };
}

export type Clock = ReturnType<typeof simulatedClock>;
