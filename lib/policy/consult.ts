import { type AllowlistEntry, entryKey, everyService, readEntry } from '../allowlist/entry.ts';
import type { Consulted } from '../audit/audit.ts';
import type { Connection } from '../connection/connection.ts';
import { modeKey, readSwitched } from '../mode/mode.ts';
import { readService, type Service, serviceKey } from '../service/service.ts';
import { type byKey, UnreadableItemError } from '../table/item.ts';
import { lineageKey, sinceIn } from '../table/lineage.ts';
import type { Item, Key } from '../table/table.ts';

type Asked = Pick<Connection, 'serviceId' | 'ownerAccountId'>;

/** What policy says of an account at a service, and the versions that say it. */
export interface Consultation {
  /** Absent where the service is not registered. */
  readonly service?: Service;
  /** The most specific first. */
  readonly entries: readonly AllowlistEntry[];
  readonly consulted: Consulted;
  /** ISO 8601: since when linkgate works with this very table. */
  readonly tableSince: string;
  /** ISO 8601: since when it acts, with this very table. */
  readonly actingSince: string;
  /** As far as linkgate's own table knows. */
  readonly isObserving: boolean;
  /** What of it cannot be read: no decision can rest on the others alone. */
  readonly unreadable: readonly UnreadableItemError[];
}

/** The version of what cannot be read: no verdict that rests on an item that was read rests on it. */
const unreadableVersion = -1;

/** The keys of all items that a decision consults. */
export function policyKeys({ serviceId, ownerAccountId }: Asked): Key[] {
  return [
    serviceKey(serviceId),
    entryKey(serviceId, ownerAccountId),
    entryKey(everyService, ownerAccountId),
    modeKey,
    lineageKey,
  ];
}

export function consult(
  { serviceId, ownerAccountId }: Asked,
  found: Pick<ReturnType<typeof byKey>, 'find'>,
): Consultation {
  const unreadable: UnreadableItemError[] = [];
  /** @returns what is there, and its version. */
  function look<T>(key: Key, read: (item: Item) => T, versionOf: (value: T) => number) {
    const item = found.find(key);
    if (!item) return { version: 0 };
    try {
      const value = read(item);
      return { value, version: versionOf(value) };
    } catch (error) {
      if (!(error instanceof UnreadableItemError)) throw error;
      unreadable.push(error);
      return { version: unreadableVersion };
    }
  }
  const service = look(serviceKey(serviceId), readService, ({ revision }) => revision);
  const entryAt = (at: string) => look(entryKey(at, ownerAccountId), readEntry, ({ version }) => version);
  const [entry, everyServiceEntry] = [entryAt(serviceId), entryAt(everyService)];
  const mode = look(modeKey, readSwitched, ({ revision }) => revision);
  const lineage = look(lineageKey, sinceIn, () => 1);
  const switched = mode.value;
  const tableSince = lineage.value ?? '';
  const switchedAt = switched?.mode === 'act' ? switched.since : '';
  return {
    ...(service.value && { service: service.value }),
    entries: [entry.value, everyServiceEntry.value].filter((each) => each !== undefined),
    consulted: {
      service: service.version,
      entry: entry.version,
      everyServiceEntry: everyServiceEntry.version,
      mode: lineage.version === unreadableVersion ? unreadableVersion : mode.version,
    },
    tableSince,
    actingSince: switchedAt > tableSince ? switchedAt : tableSince,
    isObserving: switched?.mode === 'observe',
    unreadable,
  };
}
