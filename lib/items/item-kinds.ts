import { readCounted } from '../allowlist/counted-endpoints.ts';
import { readEntry } from '../allowlist/entry.ts';
import { readGroup } from '../approval/approver-group.ts';
import { readAuditEntry } from '../audit/audit.ts';
import { readOfAccount } from '../connection/account-history.ts';
import { readOnAgenda } from '../connection/agenda.ts';
import { readRecord } from '../connection/connection-record.ts';
import { readPointer } from '../connection/due.ts';
import { readWaiting } from '../connection/waiting.ts';
import { readAccountPointer } from '../customer/account-pointer.ts';
import { readTrouble } from '../customer/contact-trouble.ts';
import { readCustomer } from '../customer/customer.ts';
import { readTold } from '../customer/told.ts';
import { readRemembered } from '../idempotency/claim.ts';
import { readSwitched } from '../mode/mode.ts';
import { readApplyLease } from '../plan/apply-lease.ts';
import { valuesIn } from '../plan/parts.ts';
import { PartValue, readPlan } from '../plan/plan.ts';
import { readPrincipal } from '../principals/principal-record.ts';
import { readCuts } from '../revocation/budget.ts';
import { readService } from '../service/service.ts';
import { readJob } from '../sweep/job.ts';
import { readSweepLease } from '../sweep/lease.ts';
import { sinceIn } from '../table/lineage.ts';
import type { Item, Key } from '../table/table.ts';
import { readBoard } from '../telling/board.ts';
import { readDigest } from '../telling/digest.ts';
import { readWarned } from '../telling/warned.ts';
import { kindName } from './remedy.ts';

export interface ItemKind {
  readonly read: (item: Item) => unknown;
  /** What is left to do once an item was removed; absent where linkgate makes it anew when it needs it. */
  readonly afterwards?: string;
}

/** Every kind of item in the table, by how its partition begins. */
export const itemKinds: ReadonlyMap<string, ItemKind> = new Map<string, ItemKind>([
  ['ACCOUNT', { read: readOfAccount }],
  ['AGENDA', { read: readOnAgenda }],
  [
    'ALLOWLIST',
    { read: readEntry, afterwards: 'say anew what holds for the account: linkgate allow, or linkgate block' },
  ],
  ['APPROVERS', { read: readGroup, afterwards: 'name its people anew: linkgate approvers set' }],
  ['AUDIT', { read: readAuditEntry }],
  ['BOARDS', { read: readBoard }],
  ['CONNECTIONS', { read: readRecord }],
  ['CONTACT_TROUBLES', { read: readTrouble }],
  ['COUNTED', { read: readCounted }],
  [
    'CUSTOMERS',
    { read: readCustomer, afterwards: 'say anew what holds for the customer: linkgate customer set' },
  ],
  [
    'CUSTOMER_OF',
    { read: readAccountPointer, afterwards: 'set the customer of the account again: linkgate customer set' },
  ],
  [
    'CUTS',
    { read: readCuts, afterwards: 'the budget of cuts begins anew: see what was cut in the last 24 hours' },
  ],
  ['DIGESTS', { read: readDigest }],
  ['DUE', { read: readPointer }],
  ['IDEMPOTENCY', { read: readRemembered }],
  ['JOB', { read: readJob }],
  ['MODE', { read: readSwitched, afterwards: 'see whether the mode is the right one: linkgate mode' }],
  [
    'PLAN',
    {
      read: (item) => (item.sk === 'PLAN' ? readPlan(item) : valuesIn(item, PartValue)),
      afterwards: 'plan again',
    },
  ],
  ['POLICY', { read: readApplyLease }],
  ['PRINCIPALS', { read: readPrincipal }],
  [
    'SERVICES',
    { read: readService, afterwards: 'register it again, with its settings: linkgate service add' },
  ],
  ['SWEEP', { read: readSweepLease }],
  ['TABLE', { read: sinceIn }],
  ['TOLD', { read: readTold }],
  ['WAITING', { read: readWaiting }],
  ['WARNED', { read: readWarned }],
]);

/** @returns undefined for what linkgate never writes. */
export function kindOfItem(key: Key): ItemKind | undefined {
  return itemKinds.get(kindName(key));
}
