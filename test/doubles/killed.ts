import type { TellingInSlack } from '../../lib/approval/telling.ts';
import type { Table } from '../../lib/table/table.ts';

/** What every call throws from the moment at which the process was killed. */
class KilledError extends Error {
  override readonly name = 'KilledError';
}

export type Moment = 'before' | 'after';

/** A run that is killed at its `nth` call of the world, before or after this call took effect. */
export function killedAt(nth: number, moment: Moment, deps: TellingInSlack) {
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

  const { table, slack, mails, notices } = deps;
  const dyingTable: Table = {
    get: dying(table.get),
    write: dying(table.write),
    async *query(pk, options) {
      await dying(async () => {})();
      yield* table.query(pk, options);
    },
  };
  return {
    /** Whether it was killed before it was done. */
    isKilled: () => calls >= nth,
    deps: {
      ...deps,
      table: dyingTable,
      ...(slack && {
        slack: { post: dying(slack.post), update: dying(slack.update), remove: dying(slack.remove) },
      }),
      mails: { send: dying(mails.send) },
      notices: { ring: dying(notices.ring), ringAfter: dying(notices.ringAfter) },
    },
  };
}
