import type { NotifyInSlackDeps } from '../../lib/notifications/notify-deps.ts';
import type { Table } from '../../lib/storage/table.ts';

/** Every call throws this error after the process was killed. */
class CrashError extends Error {
  override readonly name = 'KilledError';
}

export type CrashPoint = 'before' | 'after';

/** A process that is killed at its `nth` call of the world, before or after this call took effect. */
export function createCrashingProcess(nth: number, moment: CrashPoint) {
  let calls = 0;

  function wrapCall<Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) {
    return async (...args: Args): Promise<Result> => {
      calls++;
      if (calls > nth || (calls === nth && moment === 'before')) throw new CrashError();
      const result = await call(...args);
      if (calls >= nth) throw new CrashError();
      return result;
    };
  }

  return {
    wrapCall: wrapCall,
    crashingTable: (table: Table): Table => ({
      get: wrapCall(table.get),
      write: wrapCall(table.write),
      identity: wrapCall(table.identity),
      async *query(pk, options) {
        await wrapCall(async () => {})();
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
export function createCrashingDeps(nth: number, moment: CrashPoint, deps: NotifyInSlackDeps) {
  const { wrapCall, crashingTable, hasCrashed } = createCrashingProcess(nth, moment);
  const { table, slack, emailSender, notificationQueue } = deps;
  return {
    hasCrashed,
    deps: {
      ...deps,
      table: crashingTable(table),
      ...(slack && {
        slack: { post: wrapCall(slack.post), update: wrapCall(slack.update), remove: wrapCall(slack.remove) },
      }),
      emailSender: { send: wrapCall(emailSender.send) },
      notificationQueue: {
        enqueue: wrapCall(notificationQueue.enqueue),
        enqueueAfter: wrapCall(notificationQueue.enqueueAfter),
      },
    },
  };
}
