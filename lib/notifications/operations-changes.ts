import { allowlistPartition, allServicesScope, readEntry } from '../allowlist/entry.ts';
import {
  type OperationsNotice,
  type SaveOperationsNoticeDeps,
  saveOperationsNotice,
} from '../approvers/operations-notice.ts';
import { accountText } from '../customers/account-text.ts';
import { modeKey, readModeChange } from '../mode/mode.ts';
import { omitUnreadable } from '../storage/entity.ts';
import type { Item, TableChange } from '../storage/table.ts';
import { formatTime } from '../values/styled-text.ts';

/** A change that an item shows, while it lasts. */
interface OngoingChange extends Omit<OperationsNotice, 'isOver' | 'severity'> {
  /** Describes the end, which the next state of the item shows. */
  readonly describeEnd: (after: Item | undefined) => string;
}

/** Saves operations notices for changes of the mode and for lockdowns. */
export async function saveNoticesForChanges(
  changes: readonly TableChange[],
  deps: SaveOperationsNoticeDeps,
): Promise<void> {
  for (const change of changes) {
    const notices = await Promise.resolve(change)
      .then(describeNotices)
      .catch(omitUnreadable(deps.reportError));
    for (const notice of notices ?? []) await saveOperationsNotice(notice, deps);
  }
}

/** Describes what ends and what begins with a change of an item. */
function describeNotices({ before, after }: TableChange): OperationsNotice[] {
  const [ended, begun] = [findOngoingChange(before), findOngoingChange(after)];
  if (ended?.id === begun?.id) return [];
  return [
    ...(ended ? [toNotice(ended, [...ended.lines, ended.describeEnd(after)], true)] : []),
    ...(begun ? [toNotice(begun, begun.lines, false)] : []),
  ];
}

function toNotice({ id, title }: OngoingChange, lines: readonly string[], isOver: boolean): OperationsNotice {
  return { id, title, lines: [...lines], severity: 'high', isOver };
}

function findOngoingChange(item: Item | undefined): OngoingChange | undefined {
  if (item?.pk === modeKey.pk) return findObserveMode(item);
  return item?.pk === allowlistPartition(allServicesScope) ? findLockdown(item) : undefined;
}

function findObserveMode(item: Item): OngoingChange | undefined {
  const { mode, since, by, reason } = readModeChange(item);
  if (mode !== 'observe') return undefined;
  return {
    id: `mode#${since}`,
    title: 'The mode is observe',
    lines: [
      `${by} switched the mode on ${formatTime(since)}${reason === undefined ? '.' : `: ${reason}`}`,
      'linkgate decides and changes nothing in EC2. To switch back: linkgate mode enforce',
    ],
    describeEnd(after) {
      const next = after && readModeChange(after);
      return next
        ? `${next.by} switched to ${next.mode} on ${formatTime(next.since)}.`
        : 'The mode item was removed.';
    },
  };
}

/** A block at every service is a lockdown. */
function findLockdown(item: Item): OngoingChange | undefined {
  const { effect, accountId, customer, changedBy, changedAt, note, version } = readEntry(item);
  if (effect !== 'block') return undefined;
  return {
    id: `lockdown#${accountId}#${version}`,
    title: `Account ${accountText(accountId, customer)} is locked down`,
    lines: [
      `${changedBy} blocked it at every service on ${formatTime(changedAt)}${note === undefined ? '.' : `: ${note}`}`,
      `linkgate disconnects its connections and rejects its requests: linkgate connections --account ${accountId}`,
      `To end it: linkgate allowlist remove ${accountId} --service '*'`,
    ],
    describeEnd(after) {
      const next = after && readEntry(after);
      if (!next) return 'The block was removed. Disconnected endpoints stay rejected.';
      return `${next.changedBy} ${next.effect === 'block' ? 'blocked it again' : 'replaced the block by an entry that allows it'} on ${formatTime(next.changedAt)}.`;
    },
  };
}
