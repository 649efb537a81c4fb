import { readRecord, recordKey } from '../connections/connection-record.ts';
import { recordIndexWrites } from '../connections/indexes.ts';
import {
  formatKey,
  parseEach,
  type ReadDeps,
  UnreadableItemError,
  versionToReplace,
} from '../storage/entity.ts';
import { itemKindOfKey, reasonsToKeepItems } from '../storage/item-remedy.ts';
import type { Item, Key } from '../storage/table.ts';
import { findItemEntity } from './item-entities.ts';

/** linkgate does not remove the item. */
export class ItemNotRemovableError extends Error {
  override readonly name = 'ItemStaysError';

  constructor({ pk, sk }: Key, why: string) {
    super(`item \`${pk}\` \`${sk}\` cannot be removed: ${why}`);
  }
}

export interface RemoveDeps extends ReadDeps {
  /** Logs the removed item and the caller. */
  readonly logRemoval: (removal: { readonly item: Item; readonly by: string }) => void;
}

/**
 * Removes an unreadable item. Rebuilds an index item of a connection instead, because the record needs it.
 * @returns undefined if the item does not exist; otherwise the next step.
 * @throws ItemStaysError
 */
export async function removeUnreadable(
  key: Key,
  by: string,
  deps: RemoveDeps,
): Promise<{ readonly afterwards?: string } | undefined> {
  const [item] = await deps.table.get([key]);
  if (!item) return undefined;
  const kind = findItemEntity(key);
  if (!kind) throw new ItemNotRemovableError(key, 'linkgate does not know this type of item');
  if (canReadItem(item, kind.read))
    throw new ItemNotRemovableError(key, 'linkgate can read it; use the command for its type');
  const reasonToKeep = reasonsToKeepItems.get(itemKindOfKey(key));
  if (reasonToKeep !== undefined) throw new ItemNotRemovableError(key, reasonToKeep);
  const expected = versionToReplace(item);
  const rebuiltPointer = await rebuildPointer(key, deps);
  const write = rebuiltPointer ?? { remove: key };
  const isWritten = await deps.table.write([{ ...write, ...(expected !== undefined && { expected }) }]);
  if (!isWritten) throw new ItemNotRemovableError(key, 'it changed concurrently; try again');
  deps.logRemoval({ item, by });
  return { ...(kind.afterwards !== undefined && { afterwards: kind.afterwards }) };
}

function canReadItem(item: Item, read: (item: Item) => unknown): boolean {
  try {
    read(item);
    return true;
  } catch (error) {
    if (error instanceof UnreadableItemError) return false;
    throw error;
  }
}

/** Rebuilds the index item of the connection record under this key. */
async function rebuildPointer(
  key: Key,
  { table, reportError }: ReadDeps,
): Promise<{ put: Item } | undefined> {
  const endpointId = key.sk.split('#').at(-1) ?? '';
  const [record] = parseEach(await table.get([recordKey(endpointId)]), readRecord, reportError);
  if (!record) return undefined;
  const puts = recordIndexWrites(undefined, record).flatMap((write) => ('put' in write ? write.put : []));
  const pointerItem = puts.find((each) => formatKey(each) === formatKey(key));
  return pointerItem && { put: pointerItem };
}
