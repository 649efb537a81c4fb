import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { InFlight } from './in-flight.ts';
import type { OpenMap } from './persistence.ts';

export type Timers = ReturnType<typeof createTimers>;

/** Timers that survive a restart. */
export function createTimers(clock: Clock, openMap: OpenMap) {
  const resumes: (() => void)[] = [];

  return {
    /**
     * Registers the action of a kind and returns the function that schedules it. With `inFlight`, the work counts as in
     * flight until then.
     */
    on<Payload>(kind: string, action: (payload: Payload) => void, inFlight?: InFlight) {
      const planned = openMap<{ readonly time: number; readonly payload: Payload }>(`later/${kind}`);

      function arm(id: string, time: number, payload: Payload) {
        const end = inFlight?.begin();
        clock.at(time, () => {
          planned.delete(id);
          action(payload);
          end?.();
        });
      }

      resumes.push(() => {
        for (const [id, { time, payload }] of planned) arm(id, time, payload);
      });
      return (time: number, payload: Payload) => {
        const id = randomUUID();
        planned.set(id, { time, payload });
        arm(id, time, payload);
      };
    },
    /** Starts the timers that an earlier process scheduled. */
    resume() {
      for (const resume of resumes.splice(0)) resume();
    },
  };
}
