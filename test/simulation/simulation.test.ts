import { expect, test } from '@jest/globals';
import { keyName } from '../../lib/table/item.ts';
import type { Item, Key, Write } from '../../lib/table/table.ts';
import { keyOf } from '../doubles/memory-table.ts';
import { faultKinds } from './faults.ts';
import type { Sabotage } from './linkgate.ts';
import { simulate } from './simulate.ts';

/** Others share the machine while this runs. */
const patience = 60_000;

test(
  'linkgate keeps its promises in histories full of faults of every kind',
  async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const { broken, history, faults } = await simulate(seed);
      if (broken)
        throw new Error(`${history.join('\n')}\nnpm run simulate -- --seed ${seed}`, { cause: broken });
      for (const kind of faults.keys()) seen.add(kind);
    }
    expect([...seen].sort()).toEqual([...faultKinds].sort());
  },
  patience,
);

test('the same seed plays the same history', async () => {
  const [once, again] = [await simulate(7), await simulate(7)];
  expect(again.history).toEqual(once.history);
});

const sabotages: readonly [string, () => Sabotage][] = [
  ['writes ignore which version they expect', () => writing(unguarded(''))],
  ['the count of endpoints is not guarded by its version', () => writing(unguarded('COUNTED#'))],
  ['audit entries are not written', () => writing(without('AUDIT#'))],
  ['what is due is not pointed at', () => writing(without('DUE#'))],
  ['the actor sees the policy that was decided by', staleForTheActor],
];

test.each(sabotages)(
  'the simulation notices when %s',
  async (_, sabotage) => {
    let broken: Error | undefined;
    for (let seed = 1; seed <= 200 && !broken; seed++) ({ broken } = await simulate(seed, sabotage()));
    expect(broken?.message).toBeDefined();
  },
  patience,
);

/** A table that changes what is written on its way. */
function writing(change: (write: Write) => readonly Write[]): Sabotage {
  return (table) => ({ ...table, write: (writes) => table.write(writes.flatMap(change)) });
}

function without(partitions: string) {
  return (write: Write) => (keyOf(write).pk.startsWith(partitions) ? [] : [write]);
}

function unguarded(partitions: string) {
  return (write: Write): readonly Write[] => {
    if (!keyOf(write).pk.startsWith(partitions)) return [write];
    return ['put' in write ? { put: write.put } : { remove: write.remove }];
  };
}

/** Keeps from the actor what changed in the policy since it was last decided by. */
function staleForTheActor(): Sabotage {
  const remembered = new Map<string, Item>();
  const isPolicy = ({ pk }: Key) => pk === 'SERVICES' || pk.startsWith('ALLOWLIST#');
  return (table, { functionName }) => ({
    ...table,
    async get(keys) {
      const found = await table.get(keys);
      if (functionName === 'verdicts') return found.map((item) => remembered.get(keyName(item)) ?? item);
      if (functionName === 'requests')
        for (const item of found.filter(isPolicy)) remembered.set(keyName(item), item);
      return found;
    },
  });
}
