import { entryItem } from '../allowlist/entry.ts';
import type { Place } from '../place.ts';
import { readService, type Service, serviceItem } from '../service/service.ts';
import { byKey, keyName } from '../table/item.ts';
import type { Item, Key, Table } from '../table/table.ts';
import { type Change, type ChangeOf, type ItemChange, isMade, keyOfChange } from './change.ts';
import { entryMade, type Hand, serviceMade, serviceToCome } from './made.ts';

/** Items by key: undefined where there is none. */
export type Items = ReadonlyMap<string, Item | undefined>;

/** The changes that something is done for, by the key of what they change. */
export function madeByKey(changes: readonly Change[]): ReadonlyMap<string, ItemChange> {
  return new Map(
    changes.flatMap((change) =>
      isMade(change) && change.kind !== 'principal' ? [[keyName(keyOfChange(change)), change]] : [],
    ),
  );
}

/** What stands under some keys now, and after changes that decisions rest on. */
export async function itemsAfter(
  keys: readonly Key[],
  made: ReadonlyMap<string, ItemChange>,
  hand: Hand,
  { table, hub }: { readonly table: Table; readonly hub: Place },
): Promise<{ readonly now: Items; readonly after: Items }> {
  const { find } = byKey(await table.get(keys));
  const now = new Map(keys.map((key) => [keyName(key), find(key)]));
  const after = new Map(now);
  for (const [key, before] of now) {
    const change = made.get(key);
    if (change) after.set(key, itemAfter(change, before, hand, hub));
  }
  return { now, after };
}

function itemAfter(change: ItemChange, before: Item | undefined, hand: Hand, hub: Place): Item | undefined {
  if (change.kind === 'entry') {
    const entry = entryMade(change, hand);
    return entry && entryItem(entry);
  }
  return change.kind === 'service' && change.after
    ? serviceItem(serviceAfter(change, before && readService(before), hand, hub))
    : undefined;
}

function serviceAfter(
  change: ChangeOf<'service'>,
  before: Service | undefined,
  hand: Hand,
  hub: Place,
): Service {
  return before ? serviceMade(before, change, hand) : serviceToCome(change, hub, hand);
}
