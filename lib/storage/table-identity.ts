import * as v from 'valibot';
import { entity, parseEach, type ReadDeps, rethrow, versionToReplace } from './entity.ts';
import type { Item, Key, Table } from './table.ts';

/** Which table this is, and since when linkgate works with it: a restored table is another one, and what it says may be of yesterday. */
const tableIdentityEntity = entity({
  /** As DynamoDB tells tables apart, those of one name too. */
  identity: v.string(),
  /** ISO 8601 */
  since: v.string(),
  version: v.number(),
});

export const identityKey: Key = { pk: 'TABLE_IDENTITY', sk: 'TABLE_IDENTITY' };

/** Since when linkgate works with the table that holds this item. ISO 8601. */
export function readRestoredAt(item: Item): string {
  return tableIdentityEntity.read(item).since;
}

/** Since when linkgate works with it, where it has come in place of another table: what happened there since is not in it. ISO 8601. */
export function readReplacedAt(item: Item): string | undefined {
  const { since, version } = tableIdentityEntity.read(item);
  return version > 1 ? since : undefined;
}

/**
 * Looks whether the table is still the one that linkgate has worked with, and remembers it where it is not. Whoever writes a
 * command down does so first: one from before would count as coming from a backup. So does every command from before, where the
 * memory cannot be read and is begun anew.
 * @returns since when it is. ISO 8601.
 */
export async function trackIdentity({ now, ...deps }: TableIdentityDeps): Promise<string> {
  const { known, item, identity } = await readIdentities(deps);
  if (known?.identity === identity) return known.since;
  const expected = versionToReplace(item);
  const since = now().toISOString();
  const put = tableIdentityEntity.item(identityKey, { identity, since, version: (expected ?? 0) + 1 });
  // Whoever was faster has found the same.
  await deps.table.write([{ put, ...(expected !== undefined && { expected }) }]);
  return since;
}

interface TableIdentityDeps extends ReadDeps {
  readonly now: () => Date;
}

/** Since when the table is the one that linkgate works with; nothing where it is another than is remembered. */
export async function restoredAt(table: Table): Promise<string | undefined> {
  const { known, identity } = await readIdentities({ table, reportError: rethrow });
  return known?.identity === identity ? known.since : undefined;
}

async function readIdentities({ table, reportError }: ReadDeps) {
  const [items, identity] = await Promise.all([table.get([identityKey]), table.identity()]);
  return { known: parseEach(items, tableIdentityEntity.read, reportError)[0], item: items[0], identity };
}
