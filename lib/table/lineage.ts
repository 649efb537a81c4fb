import * as v from 'valibot';
import { itemKind } from './item.ts';
import type { Item, Key, Table } from './table.ts';

/** Which table this is, and since when linkgate works with it: a restored table is another one, and what it says may be of yesterday. */
const kind = itemKind({
  /** As DynamoDB tells tables apart, those of one name too. */
  identity: v.string(),
  /** ISO 8601 */
  since: v.string(),
  version: v.number(),
});

export const lineageKey: Key = { pk: 'TABLE', sk: 'TABLE' };

/** Since when linkgate works with the table that holds this item. ISO 8601. */
export function sinceIn(item: Item): string {
  return kind.read(item).since;
}

/**
 * Looks whether the table is still the one that linkgate has worked with, and remembers it where it is not. Whoever writes a
 * command down does so first: one from before would count as coming from a backup.
 * @returns since when it is. ISO 8601.
 */
export async function lineageOf(table: Table, now: Date): Promise<string> {
  const { known, identity } = await look(table);
  if (known?.identity === identity) return known.since;
  const expected = known?.version ?? 0;
  const since = now.toISOString();
  const put = kind.item(lineageKey, { identity, since, version: expected + 1 });
  // Whoever was faster has found the same.
  await table.write([{ put, expected }]);
  return since;
}

/** Since when the table is the one that linkgate works with; nothing where it is another than is remembered. */
export async function knownSince(table: Table): Promise<string | undefined> {
  const { known, identity } = await look(table);
  return known?.identity === identity ? known.since : undefined;
}

async function look(table: Table) {
  const [[item], identity] = await Promise.all([table.get([lineageKey]), table.identity()]);
  return { known: item && kind.read(item), identity };
}
