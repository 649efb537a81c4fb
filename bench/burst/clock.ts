/** A clock that stands still while anybody works, and then jumps to what is due next. */
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
    /** Until it is over or nothing is due any more. */
    async runUntil(isOver: () => boolean): Promise<void> {
      while (!isOver()) {
        // Whoever can go on without the clock has done so when the event loop comes round.
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
