import type { NotifyInSlackDeps } from '../../lib/notifications/notify-deps.ts';
import type { Table } from '../../lib/storage/table.ts';

/** Every call of a crashed process throws this error. */
class CrashError extends Error {
  override readonly name = 'KilledError';
}

export type CrashPoint = 'before' | 'after';

/** A process that crashes at its `nth` call to a dependency, before or after the call takes effect. */
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
    hasCrashed: () => calls >= nth,
  };
}

/** Calls `run` with each call as the crash point, until `run` returns false. @returns the number of crashes */
export async function forEachCallSite(
  run: (nth: number, moment: CrashPoint) => Promise<boolean>,
): Promise<number> {
  let kills = 0;
  for (const moment of ['before', 'after'] as const) for (let nth = 1; await run(nth, moment); nth++) kills++;
  return kills;
}

/** The dependencies of a notifier that crashes at its `nth` call. */
export function createCrashingDeps(nth: number, moment: CrashPoint, deps: NotifyInSlackDeps) {
  const { wrapCall, crashingTable, hasCrashed } = createCrashingProcess(nth, moment);
  const { table, slack, emailSender, publishToOperations, notificationQueue } = deps;
  return {
    hasCrashed,
    deps: {
      ...deps,
      table: crashingTable(table),
      ...(slack && {
        slack: { post: wrapCall(slack.post), update: wrapCall(slack.update), remove: wrapCall(slack.remove) },
      }),
      emailSender: { send: wrapCall(emailSender.send) },
      publishToOperations: wrapCall(publishToOperations),
      notificationQueue: {
        enqueue: wrapCall(notificationQueue.enqueue),
        enqueueAfter: wrapCall(notificationQueue.enqueueAfter),
      },
    },
  };
}
