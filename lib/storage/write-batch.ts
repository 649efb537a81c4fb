import type { Settled } from '../runtime/runtime.ts';
import { formatKey } from './entity.ts';
import { maxWriteAttempts, OptimisticLockError } from './optimistic-lock.ts';
import { type Table, type Write, writesPerTransaction } from './table.ts';

/** The output for one input, with the writes that save it. Without writes the output is final. */
export interface Prepared<Output> {
  readonly output: Output;
  readonly writes: readonly Write[];
}

/**
 * Saves the changes of many inputs, several inputs in one transaction. After a conflict it prepares the unwritten inputs again,
 * with fewer in each transaction. Of inputs that write the same item, one is written in each round.
 * @param prepare reads the items of all given inputs and prepares each; only in the first round `isFirst` is true.
 * @param itemName names the item of an input for people.
 * @returns a result for each input, in order. The error of a transaction is the error of its inputs.
 */
export async function writeBatch<Input, Output>(
  inputs: readonly Input[],
  table: Pick<Table, 'write'>,
  prepare: (open: readonly Input[], isFirst: boolean) => Promise<Settled<Input, Prepared<Output>>[]>,
  itemName: (input: Input) => string,
): Promise<Settled<Input, Output>[]> {
  const settled = new Map<Input, Settled<Input, Output>>();
  let open = inputs;
  for (let round = 0; open.length > 0 && round < maxWriteAttempts + inputs.length; round++) {
    const prepared = await prepare(open, round === 0).catch((error: unknown) =>
      open.map((input) => ({ input, error })),
    );
    for (const result of await writePrepared(prepared, table, writesPerTransaction / 4 ** round))
      settled.set(result.input, result);
    open = inputs.filter((input) => !settled.has(input));
  }
  return inputs.map(
    (input) => settled.get(input) ?? { input, error: new OptimisticLockError(itemName(input)) },
  );
}

type Unwritten<Input, Output> = { readonly input: Input; readonly output: Prepared<Output> };

/** Writes prepared inputs. Returns no result for an input with a conflict. */
async function writePrepared<Input, Output>(
  prepared: readonly Settled<Input, Prepared<Output>>[],
  table: Pick<Table, 'write'>,
  maxWrites: number,
): Promise<Settled<Input, Output>[]> {
  const settled: Settled<Input, Output>[] = [];
  const unwritten: Unwritten<Input, Output>[] = [];
  for (const each of prepared)
    if ('error' in each) settled.push(each);
    else if (each.output.writes.length > 0) unwritten.push(each);
    else settled.push({ input: each.input, output: each.output.output });
  for (const transaction of packTransactions(unwritten, maxWrites))
    try {
      if (await table.write(transaction.flatMap(({ output }) => output.writes)))
        settled.push(...transaction.map(({ input, output }) => ({ input, output: output.output })));
    } catch (error) {
      settled.push(...transaction.map(({ input }) => ({ input, error })));
    }
  return settled;
}

/** Fills transactions up to the maximum number of writes. Omits an input that writes an item of an earlier one. */
function packTransactions<Input, Output>(
  unwritten: readonly Unwritten<Input, Output>[],
  maxWrites: number,
): Unwritten<Input, Output>[][] {
  const transactions: Unwritten<Input, Output>[][] = [];
  const usedKeys = new Set<string>();
  let room = 0;
  for (const each of unwritten) {
    const { writes } = each.output;
    const keys = writes.map((write) => formatKey('put' in write ? write.put : write.remove));
    if (keys.some((key) => usedKeys.has(key))) continue;
    for (const key of keys) usedKeys.add(key);
    const current = room >= writes.length ? transactions.at(-1) : undefined;
    if (current) current.push(each);
    else transactions.push([each]);
    room = (current ? room : maxWrites) - writes.length;
  }
  return transactions;
}
