/** The clock of the whole sandbox: the wall clock plus the offset that `POST /_sandbox/clock` adds. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds added to the wall clock so far. */
  offset(): number;
  /** Runs the action once the clock reads `time` or later, never before this call returns. Returns a function that cancels it. */
  at(time: number, action: () => void): () => void;
  /** Advances the clock. Due actions run in order of their time, each once. */
  advance(milliseconds: number): void;
  /** Cancels all actions, and ignores later ones. */
  stop(): void;
}

interface Timer {
  readonly time: number;
  readonly action: () => void;
}

const longestTimeout = 2 ** 31 - 1;

/** `startOffset`: the offset of the clock before a restart. */
export function sandboxClock(onAdvance: (offset: number) => void = () => {}, startOffset = 0): Clock {
  const timers = new Set<Timer>();
  let offset = startOffset;
  let wakeUp: NodeJS.Timeout | undefined;
  let wakeTime = Number.POSITIVE_INFINITY;
  let isStopped = false;

  const now = () => Date.now() + offset;
  onAdvance(offset);

  function runDueActions() {
    const due = [...timers].filter((timer) => timer.time <= now()).sort((a, b) => a.time - b.time);
    clearTimeout(wakeUp);
    wakeTime = Number.POSITIVE_INFINITY;
    for (const timer of due) if (timers.delete(timer)) timer.action();
    let next = Number.POSITIVE_INFINITY;
    for (const { time } of timers) next = Math.min(next, time);
    scheduleWakeUp(next);
  }

  function scheduleWakeUp(time: number) {
    if (time >= wakeTime) return;
    wakeTime = time;
    clearTimeout(wakeUp);
    wakeUp = setTimeout(runDueActions, Math.min(Math.max(time - now(), 0), longestTimeout));
  }

  return {
    now,
    offset: () => offset,
    at(time, action) {
      if (isStopped) return () => {};
      const timer = { time, action };
      timers.add(timer);
      scheduleWakeUp(time);
      return () => timers.delete(timer);
    },
    advance(milliseconds) {
      offset += milliseconds;
      onAdvance(offset);
      runDueActions();
    },
    stop() {
      isStopped = true;
      timers.clear();
      clearTimeout(wakeUp);
    },
  };
}
