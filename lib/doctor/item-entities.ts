import { readEntry } from '../allowlist/entry.ts';
import { digestEntity } from '../approvals/digest.ts';
import { readGroup } from '../approvers/approver-group.ts';
import { readOperationsNotice } from '../approvers/operations-notice.ts';
import { readOperationsRecipients } from '../approvers/operations-recipients.ts';
import { readAuditEntry } from '../audit/audit.ts';
import { readRecord } from '../connections/connection-record.ts';
import {
  awaitingApproval,
  connectionsByAccount,
  pendingEffects,
  reevaluations,
} from '../connections/indexes.ts';
import { readCustomer } from '../customers/customer.ts';
import { readAccountPointer } from '../customers/customer-by-account.ts';
import { readDeliveryFailure } from '../customers/delivery-failure.ts';
import { readModeChange } from '../mode/mode.ts';
import { expiryWarningsEntity } from '../notifications/expiry-warnings.ts';
import { readThrottle } from '../notifications/throttle.ts';
import { readEmailRate } from '../outbox/email-rate.ts';
import { notificationRetries, readNotification } from '../outbox/notification.ts';
import { readEndpointQuota } from '../policy/endpoint-quota.ts';
import { applyLeaseKey, readApplyLease } from '../policy-as-code/apply-lease.ts';
import { chunkValues } from '../policy-as-code/chunked-item.ts';
import { PartValue, readPlan } from '../policy-as-code/plan.ts';
import { readReservations } from '../reconcile/disconnect-quota.ts';
import { readPrincipal } from '../services/allowed-principals/principal-record.ts';
import { readService } from '../services/service.ts';
import { readIdempotencyItem } from '../storage/idempotency.ts';
import { itemKindOfKey } from '../storage/item-remedy.ts';
import type { Item, Key } from '../storage/table.ts';
import { readRestoredAt } from '../storage/table-identity.ts';
import { readJob } from '../sweep/job.ts';
import { readSweepLease } from '../sweep/lease.ts';

export interface ItemEntity {
  readonly read: (item: Item) => unknown;
  /** The next step after the removal of an item; absent if linkgate recreates the item. */
  readonly afterwards?: string;
}

/** Every type of item in the table, by the prefix of its partition key. */
export const itemEntities: ReadonlyMap<string, ItemEntity> = new Map<string, ItemEntity>([
  ['BY_ACCOUNT', { read: connectionsByAccount.read }],
  ['REEVALUATE_AT', { read: reevaluations.read }],
  ['ALLOWLIST', { read: readEntry, afterwards: 'create the entry again: linkgate allow, or linkgate block' }],
  ['APPROVERS', { read: readGroup, afterwards: 'create the group again: linkgate approvers set' }],
  ['AUDIT', { read: readAuditEntry }],
  ['NOTIFICATION_THROTTLE', { read: readThrottle }],
  ['CONNECTION', { read: readRecord }],
  ['CONTACT_DELIVERY_FAILURE', { read: readDeliveryFailure }],
  ['ENDPOINT_QUOTA', { read: readEndpointQuota }],
  ['CUSTOMER', { read: readCustomer, afterwards: 'create the customer again: linkgate customer set' }],
  [
    'CUSTOMER_BY_ACCOUNT',
    { read: readAccountPointer, afterwards: 'set the customer of the account again: linkgate customer set' },
  ],
  [
    'DISCONNECT_QUOTA',
    {
      read: readReservations,
      afterwards: 'check the disconnects of the last 24 hours, since the disconnect quota starts again',
    },
  ],
  ['DIGEST', { read: digestEntity.read }],
  ['PENDING_EFFECT', { read: pendingEffects.read }],
  ['IDEMPOTENCY', { read: readIdempotencyItem }],
  ['JOB', { read: readJob }],
  ['MODE', { read: readModeChange, afterwards: 'check the mode: linkgate mode' }],
  ['LEASE', { read: (item) => (item.sk === applyLeaseKey.sk ? readApplyLease(item) : readSweepLease(item)) }],
  ['OPERATIONS_NOTICE', { read: readOperationsNotice }],
  [
    'OPERATIONS',
    { read: readOperationsRecipients, afterwards: 'name the recipients again: linkgate operations set' },
  ],
  [
    'PLAN',
    {
      read: (item) => (item.sk === 'PLAN' ? readPlan(item) : chunkValues(item, PartValue)),
      afterwards: 'plan again',
    },
  ],
  ['PRINCIPALS', { read: readPrincipal }],
  [
    'SERVICE',
    { read: readService, afterwards: 'register the service again, with its settings: linkgate service add' },
  ],
  ['TABLE_IDENTITY', { read: readRestoredAt }],
  ['AWAITING_APPROVAL', { read: awaitingApproval.read }],
  ['NOTIFICATION', { read: readNotification }],
  ['NOTIFICATION_RETRY', { read: notificationRetries.read }],
  ['EMAIL_RATE', { read: readEmailRate }],
  ['EXPIRY_WARNINGS', { read: expiryWarningsEntity.read }],
]);

/** @returns undefined for an item that linkgate never writes. */
export function findItemEntity(key: Key): ItemEntity | undefined {
  return itemEntities.get(itemKindOfKey(key));
}
