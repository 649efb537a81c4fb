import { shellWord } from '../values/shell-word.ts';
import type { UnreadableItemError } from './entity.ts';
import type { Key } from './table.ts';

const restoreInstructions =
  'restore the table to another name from a time before the damage (docs/deploy.md), and copy the item back';

/** The item kinds that linkgate never removes, by the prefix of the partition key: the reason and the remedy. */
export const reasonsToKeepItems: ReadonlyMap<string, string> = new Map([
  ['AUDIT', `audit entries are never removed: ${restoreInstructions}`],
  [
    'CONNECTION',
    `it holds people's decisions, and its audit trail continues from it: ${restoreInstructions}`,
  ],
]);

/** Returns the item kind: the prefix of the partition key. */
export function itemKindOfKey({ pk }: Key): string {
  return pk.split('#')[0] ?? '';
}

/** Builds the command that removes an unreadable item. */
export function removalCommand({ pk, sk }: Key): string {
  return `linkgate item remove ${shellWord(pk)} ${shellWord(sk)}`;
}

/** Formats the message for a caller whose command needs an unreadable item. */
export function unreadableText({ message, key }: UnreadableItemError): string {
  const reasonToKeep = reasonsToKeepItems.get(itemKindOfKey(key));
  const remedy =
    reasonToKeep === undefined
      ? `or is removed with \`${removalCommand(key)}\``
      : `and is not removed, since ${reasonToKeep}`;
  return `this needs an item that linkgate cannot read: ${message}. It waits until the item can be read, ${remedy}`;
}
