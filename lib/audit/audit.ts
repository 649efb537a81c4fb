import * as v from 'valibot';
import { ConnectionState } from '../connection/connection.ts';
import { Finding, Outcome } from '../policy/rule.ts';
import { itemKind } from '../table/item.ts';
import type { Item, Table, Write } from '../table/table.ts';

/** The versions of what a decision consulted; 0 where nothing was there. */
export const Consulted = v.object({
  service: v.number(),
  entry: v.number(),
  everyServiceEntry: v.number(),
});
export type Consulted = v.InferOutput<typeof Consulted>;

export const Action = v.picklist([
  'requested',
  'observed',
  'decided',
  'approved',
  'denied',
  'applying',
  'applied',
  'refused',
  'gone',
]);
export type Action = v.InferOutput<typeof Action>;

/** Who caused a transition: `linkgate`, `ec2`, `account 444455556666`, or a person's IAM ARN. */
export type Actor = string;

/** One transition of one connection. Entries are only ever added. */
export const AuditEntry = v.object({
  endpointId: v.string(),
  /** Counts the entries of this endpoint from 1. */
  sequence: v.number(),
  /** ISO 8601 */
  time: v.string(),
  actor: v.string(),
  action: Action,
  outcome: v.exactOptional(Outcome),
  /** What EC2 showed. */
  state: v.exactOptional(ConnectionState),
  reason: v.exactOptional(v.string()),
  findings: v.exactOptional(v.array(Finding)),
  consulted: v.exactOptional(Consulted),
  /** Of the invocation that wrote it, as it stands in the logs. */
  requestId: v.string(),
});
export type AuditEntry = v.InferOutput<typeof AuditEntry>;

/** An entry before it is known which of its connection's it is. */
export type Happening = Omit<AuditEntry, 'endpointId' | 'sequence' | 'requestId'>;

const kind = itemKind({ ...AuditEntry.entries, version: v.number() });

/** Partitions that no function may delete from; that a put replaces nothing is its condition's doing. */
const entriesOf = (endpointId: string) => `AUDIT#${endpointId}`;

export function auditWrite(entry: AuditEntry): Write {
  const key = { pk: entriesOf(entry.endpointId), sk: String(entry.sequence).padStart(9, '0') };
  return { put: kind.item(key, { ...entry, version: 1 }), expected: 0 };
}

/** All that happened to a connection, oldest first. */
export async function historyOf(endpointId: string, table: Table): Promise<AuditEntry[]> {
  const history: AuditEntry[] = [];
  for await (const page of table.query(entriesOf(endpointId))) history.push(...page.map(readAuditEntry));
  return history;
}

export function readAuditEntry(item: Item): AuditEntry {
  return kind.read(item);
}
