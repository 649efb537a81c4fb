import type { NotifyInSlackDeps } from '../../lib/notifications/notify-deps.ts';
import type { Table } from '../../lib/storage/table.ts';

/** What every call throws from the moment at which the process was killed. */
class KilledError extends Error {
  override readonly name = 'KilledError';
}

export type Moment = 'before' | 'after';

/** A process that is killed at its `nth` call of the world, before or after this call took effect. */
export function mortal(nth: number, moment: Moment) {
  let calls = 0;

  function dying<Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) {
    return async (...args: Args): Promise<Result> => {
      calls++;
      if (calls > nth || (calls === nth && moment === 'before')) throw new KilledError();
      const result = await call(...args);
      if (calls >= nth) throw new KilledError();
      return result;
    };
  }

  return {
    dying,
    dyingTable: (table: Table): Table => ({
      get: dying(table.get),
      write: dying(table.write),
      identity: dying(table.identity),
      async *query(pk, options) {
        await dying(async () => {})();
        yield* table.query(pk, options);
      },
    }),
    /** Whether it was killed before it was done. */
    isKilled: () => calls >= nth,
  };
}

/** Runs the same once for each call at which it may be killed, until it is no longer killed. */
export async function forEachCallSite(
  run: (nth: number, moment: Moment) => Promise<boolean>,
): Promise<number> {
  let kills = 0;
  for (const moment of ['before', 'after'] as const) for (let nth = 1; await run(nth, moment); nth++) kills++;
  return kills;
}

/** A run of the notifier that is killed so. */
export function crashAt(nth: number, moment: Moment, deps: NotifyInSlackDeps) {
  const { dying, dyingTable, isKilled } = mortal(nth, moment);
  const { table, slack, mails, notices } = deps;
  return {
    isKilled,
    deps: {
      ...deps,
      table: dyingTable(table),
      ...(slack && {
        slack: { post: dying(slack.post), update: dying(slack.update), remove: dying(slack.remove) },
      }),
      mails: { send: dying(mails.send) },
      notices: { enqueue: dying(notices.enqueue), enqueueAfter: dying(notices.enqueueAfter) },
    },
  };
}
