import { type AllowlistEntry, allServicesScope, entryKey, readEntry } from '../allowlist/entry.ts';
import type { PolicyVersions } from '../audit/audit.ts';
import { modeKey, readModeChange } from '../mode/mode.ts';
import type { Connection } from '../privatelink/connection.ts';
import { readService, type Service, serviceKey } from '../services/service.ts';
import { type ItemIndex, indexByKey, UnreadableItemError } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { identityKey, readRestoredAt } from '../storage/table-identity.ts';

type PolicySubject = Pick<Connection, 'serviceId' | 'ownerAccountId'>;

/** The inputs of a decision about an account at a service, with their versions. */
export interface PolicyInputs {
  /** Absent if the service is not registered. */
  readonly service?: Service;
  /** The entry for the service comes before the entry for `*`. */
  readonly entries: readonly AllowlistEntry[];
  readonly policyVersions: PolicyVersions;
  /** ISO 8601: the restore or first use of the table. */
  readonly restoredAt: string;
  /** ISO 8601: the time since when linkgate enforces with this table. */
  readonly enforcingSince: string;
  /** From the mode in the table. apply-verdicts also reads the SSM parameter. */
  readonly isObserving: boolean;
  /** The unreadable inputs. linkgate makes no decision with any of them. */
  readonly unreadable: readonly UnreadableItemError[];
}

/** The version of an unreadable item, which no readable item has. */
const unreadableVersion = -1;

/** Lists the keys of all policy inputs of a decision. */
export function policyInputKeys({ serviceId, ownerAccountId }: PolicySubject): Key[] {
  return [
    serviceKey(serviceId),
    entryKey(serviceId, ownerAccountId),
    entryKey(allServicesScope, ownerAccountId),
    modeKey,
    identityKey,
  ];
}

/** Reads the policy inputs of a decision from the table. */
export async function loadPolicyInputs(subject: PolicySubject, table: Table): Promise<PolicyInputs> {
  return readPolicyInputs(subject, indexByKey(await table.get(policyInputKeys(subject))));
}

export function readPolicyInputs(
  { serviceId, ownerAccountId }: PolicySubject,
  itemIndex: Pick<ItemIndex, 'find'>,
): PolicyInputs {
  const unreadable: UnreadableItemError[] = [];
  /** @returns the value and its version; 0 if the item is absent. */
  function lookUp<T>(key: Key, read: (item: Item) => T, getVersion: (value: T) => number) {
    const item = itemIndex.find(key);
    if (!item) return { version: 0 };
    try {
      const value = read(item);
      return { value, version: getVersion(value) };
    } catch (error) {
      if (!(error instanceof UnreadableItemError)) throw error;
      unreadable.push(error);
      return { version: unreadableVersion };
    }
  }
  const service = lookUp(serviceKey(serviceId), readService, ({ policyRevision }) => policyRevision);
  const lookUpEntry = (at: string) =>
    lookUp(entryKey(at, ownerAccountId), readEntry, ({ version }) => version);
  const [entry, wildcardEntry] = [lookUpEntry(serviceId), lookUpEntry(allServicesScope)];
  const mode = lookUp(modeKey, readModeChange, ({ policyRevision }) => policyRevision);
  const tableIdentity = lookUp(identityKey, readRestoredAt, () => 1);
  const modeChange = mode.value;
  const restoredAt = tableIdentity.value ?? '';
  const switchedAt = modeChange?.mode === 'enforce' ? modeChange.since : '';
  return {
    ...(service.value && { service: service.value }),
    entries: [entry.value, wildcardEntry.value].filter((each) => each !== undefined),
    policyVersions: {
      service: service.version,
      entry: entry.version,
      wildcardEntry: wildcardEntry.version,
      mode: tableIdentity.version === unreadableVersion ? unreadableVersion : mode.version,
    },
    restoredAt,
    enforcingSince: switchedAt > restoredAt ? switchedAt : restoredAt,
    isObserving: modeChange?.mode === 'observe',
    unreadable,
  };
}
