import * as v from 'valibot';
import { entity, parseEach, type ReadDeps, rethrow, versionToReplace } from './entity.ts';
import type { Item, Key, Table } from './table.ts';

export const identityKey: Key = { pk: 'TABLE_IDENTITY', sk: 'TABLE_IDENTITY' };

/**
 * Identifies the table, with the time since when linkgate uses it. A restored table is another table, and its items may be
 * outdated.
 */
const tableIdentityEntity = entity(
  {
    /** DynamoDB's TableId, which differs even for tables of the same name. */
    identity: v.string(),
    /** ISO 8601 */
    since: v.string(),
    version: v.number(),
  },
  () => identityKey,
);

/** Returns since when linkgate uses the table that holds this item. ISO 8601. */
export function readRestoredAt(item: Item): string {
  return tableIdentityEntity.read(item).since;
}

/** Returns since when linkgate uses the table, if it replaced another one: it lacks later changes of that table. ISO 8601. */
export function readReplacedAt(item: Item): string | undefined {
  const { since, version } = tableIdentityEntity.read(item);
  return version > 1 ? since : undefined;
}

/**
 * Compares the table with the stored identity, and saves the new identity if it differs. A caller that stores a person's command
 * calls this first: a command that is older than the identity counts as restored from a backup. The function replaces an
 * unreadable identity item, so that all earlier commands count as restored.
 * @returns since when linkgate uses this table. ISO 8601.
 */
export async function trackIdentity({ now, ...deps }: TableIdentityDeps): Promise<string> {
  const { stored, item, identity } = await readIdentities(deps);
  if (stored?.identity === identity) return stored.since;
  const expected = versionToReplace(item);
  const since = now().toISOString();
  const current = { identity, since, version: (expected ?? 0) + 1 };
  // A concurrent writer stores the same identity.
  await deps.table.write([tableIdentityEntity.put(current, { version: expected })]);
  return since;
}

interface TableIdentityDeps extends ReadDeps {
  readonly now: () => Date;
}

/** Returns since when linkgate uses this table; undefined if it differs from the stored identity. */
export async function readRestoreTime(table: Table): Promise<string | undefined> {
  const { stored, identity } = await readIdentities({ table, reportError: rethrow });
  return stored?.identity === identity ? stored.since : undefined;
}

async function readIdentities({ table, reportError }: ReadDeps) {
  const [items, identity] = await Promise.all([table.get([identityKey]), table.identity()]);
  return { stored: parseEach(items, tableIdentityEntity.read, reportError)[0], item: items[0], identity };
}
