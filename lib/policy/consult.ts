import { type AllowlistEntry, entryKey, everyService, readEntry } from '../allowlist/entry.ts';
import type { Consulted } from '../audit/audit.ts';
import type { Connection } from '../connection/connection.ts';
import { modeKey, readSwitched } from '../mode/mode.ts';
import { readService, type Service, serviceKey } from '../service/service.ts';
import type { byKey } from '../table/item.ts';
import { lineageKey, sinceIn } from '../table/lineage.ts';
import type { Key } from '../table/table.ts';

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
}

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
  const serviceItem = found.find(serviceKey(serviceId));
  const service = serviceItem && readService(serviceItem);
  const [entry, everyServiceEntry] = [serviceId, everyService].map((at) => {
    const item = found.find(entryKey(at, ownerAccountId));
    return item && readEntry(item);
  });
  const modeItem = found.find(modeKey);
  const switched = modeItem && readSwitched(modeItem);
  const lineage = found.find(lineageKey);
  const tableSince = lineage ? sinceIn(lineage) : '';
  const switchedAt = switched?.mode === 'act' ? switched.since : '';
  return {
    ...(service && { service }),
    entries: [entry, everyServiceEntry].filter((each) => each !== undefined),
    consulted: {
      service: service?.revision ?? 0,
      entry: entry?.version ?? 0,
      everyServiceEntry: everyServiceEntry?.version ?? 0,
      mode: switched?.revision ?? 0,
    },
    tableSince,
    actingSince: switchedAt > tableSince ? switchedAt : tableSince,
    isObserving: switched?.mode === 'observe',
  };
}
