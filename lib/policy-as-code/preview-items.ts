import { entryItem } from '../allowlist/entry.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import { readService, type Service, serviceItem } from '../services/service.ts';
import { formatKey, indexByKey } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { applyEntryChange, applyServiceChange, type ChangeAuthor, previewService } from './apply-change.ts';
import { type ChangeOfKind, changeKey, type ItemChange, isApplicable, type PolicyChange } from './change.ts';

/** Items by key. Undefined for an absent item. */
export type ItemsByKey = ReadonlyMap<string, Item | undefined>;

/** Indexes the changes that write an item by the key of the item. */
export function changesByKey(changes: readonly PolicyChange[]): ReadonlyMap<string, ItemChange> {
  return new Map(
    changes.flatMap((change) =>
      isApplicable(change) && change.kind !== 'principal' ? [[formatKey(changeKey(change)), change]] : [],
    ),
  );
}

/** Reads the items under some keys, and computes them after the changes. */
export async function previewItems(
  keys: readonly Key[],
  changeByKey: ReadonlyMap<string, ItemChange>,
  author: ChangeAuthor,
  { table, hub }: { readonly table: Table; readonly hub: AccountRegion },
): Promise<{ readonly now: ItemsByKey; readonly after: ItemsByKey }> {
  const { find } = indexByKey(await table.get(keys));
  const now = new Map(keys.map((key) => [formatKey(key), find(key)]));
  const after = new Map(now);
  for (const [key, before] of now) {
    const change = changeByKey.get(key);
    if (change) after.set(key, previewItem(change, before, author, hub));
  }
  return { now, after };
}

function previewItem(
  change: ItemChange,
  before: Item | undefined,
  author: ChangeAuthor,
  hub: AccountRegion,
): Item | undefined {
  if (change.kind === 'entry') {
    const entry = applyEntryChange(change, author);
    return entry && entryItem(entry);
  }
  return change.kind === 'service' && change.after
    ? serviceItem(previewChangedService(change, before && readService(before), author, hub))
    : undefined;
}

function previewChangedService(
  change: ChangeOfKind<'service'>,
  before: Service | undefined,
  author: ChangeAuthor,
  hub: AccountRegion,
): Service {
  return before ? applyServiceChange(before, change, author) : previewService(change, hub, author);
}
