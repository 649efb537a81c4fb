import type { NotifyInSlackDeps } from '../../lib/notifications/notify-deps.ts';
import type { Table } from '../../lib/storage/table.ts';

/** What every call throws from the moment at which the process was killed. */
class CrashError extends Error {
  override readonly name = 'KilledError';
}

export type CrashPoint = 'before' | 'after';

/** A process that is killed at its `nth` call of the world, before or after this call took effect. */
export function createCrashingProcess(nth: number, moment: CrashPoint) {
  let calls = 0;

  function crashing<Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) {
    return async (...args: Args): Promise<Result> => {
      calls++;
      if (calls > nth || (calls === nth && moment === 'before')) throw new CrashError();
      const result = await call(...args);
      if (calls >= nth) throw new CrashError();
      return result;
    };
  }

  return {
    dying: crashing,
    crashingTable: (table: Table): Table => ({
      get: crashing(table.get),
      write: crashing(table.write),
      identity: crashing(table.identity),
      async *query(pk, options) {
        await crashing(async () => {})();
        yield* table.query(pk, options);
      },
    }),
    /** Whether it was killed before it was done. */
    hasCrashed: () => calls >= nth,
  };
}

/** Runs the same once for each call at which it may be killed, until it is no longer killed. */
export async function forEachCallSite(
  run: (nth: number, moment: CrashPoint) => Promise<boolean>,
): Promise<number> {
  let kills = 0;
  for (const moment of ['before', 'after'] as const) for (let nth = 1; await run(nth, moment); nth++) kills++;
  return kills;
}

/** A run of the notifier that is killed so. */
export function crashAt(nth: number, moment: CrashPoint, deps: NotifyInSlackDeps) {
  const { dying, crashingTable, hasCrashed } = createCrashingProcess(nth, moment);
  const { table, slack, emailSender, notificationQueue } = deps;
  return {
    hasCrashed,
    deps: {
      ...deps,
      table: crashingTable(table),
      ...(slack && {
        slack: { post: dying(slack.post), update: dying(slack.update), remove: dying(slack.remove) },
      }),
      mails: { send: dying(emailSender.send) },
      notificationQueue: {
        enqueue: dying(notificationQueue.enqueue),
        enqueueAfter: dying(notificationQueue.enqueueAfter),
      },
    },
  };
}
