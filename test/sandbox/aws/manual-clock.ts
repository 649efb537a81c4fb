import type { Clock } from '../../../sandbox/clock.ts';

/** A clock that only `advance` moves; due timers run then. */
export function manualClock(start = Date.UTC(2026, 0, 1)): Clock {
  const timers = new Set<{ time: number; action: () => void }>();
  let time = start;
  return {
    now: () => time,
    offset: () => time - start,
    at(due, action) {
      const timer = { time: due, action };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(milliseconds) {
      time += milliseconds;
      for (;;) {
        const [next] = [...timers].filter((timer) => timer.time <= time).sort((a, b) => a.time - b.time);
        if (!next) return;
        timers.delete(next);
        next.action();
      }
    },
    stop: () => timers.clear(),
  };
}

/** `id-1`, `id-2` and so on. */
export function createIds(): () => string {
  let count = 0;
  return () => `id-${++count}`;
}
