import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import {
  findNotification,
  type NotificationQueue,
  type NotificationTarget,
  notificationWrites,
} from '../outbox/notification.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { entity } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Key, Table } from '../storage/table.ts';
import { ttlInDays } from '../storage/ttl.ts';

/** A notice about one change, from its start until it is over. */
const OperationsNotice = v.object({
  /** The subject and its version or time: the next change of the subject has another id. */
  id: v.string(),
  title: v.string(),
  /** Plain text. */
  lines: v.array(v.string()),
  severity: v.picklist(['low', 'high']),
  /** Final: a notice that is over does not change any more. */
  isOver: v.boolean(),
});
export type OperationsNotice = Readonly<v.InferOutput<typeof OperationsNotice>>;

export const operationsNoticePartition = 'OPERATIONS_NOTICE';
export const operationsNoticeKey = (id: string): Key => ({ pk: operationsNoticePartition, sk: id });
export const operationsNoticeTarget = (id: string): NotificationTarget => ({ kind: 'operations-notice', id });

/** DynamoDB deletes a notice this long after it is over. */
const keptDays = 30;

const noticeEntity = entity(
  {
    ...OperationsNotice.entries,
    /** Seconds since the epoch, for DynamoDB's TTL. */
    expiresAt: v.exactOptional(v.number()),
    version: v.number(),
  },
  ({ id }) => operationsNoticeKey(id),
);
export const {
  read: readOperationsNotice,
  item: operationsNoticeItem,
  find: findOperationsNotice,
} = noticeEntity;

export interface SaveOperationsNoticeDeps extends Pick<Runtime, 'now' | 'reportError'> {
  readonly table: Table;
  readonly notificationQueue: NotificationQueue;
}

/**
 * Saves a notice, and enqueues its delivery. A repeated call with the same notice does nothing. The write also names the next
 * attempt of the outbox, so a crash or a failed enqueue delays the delivery by a minute at most.
 * @throws OptimisticLockError
 */
export async function saveOperationsNotice(
  notice: OperationsNotice,
  { table, notificationQueue, now, reportError }: SaveOperationsNoticeDeps,
): Promise<void> {
  const target = operationsNoticeTarget(notice.id);
  const isChanged = await retryOnConflict(notice.id, async () => {
    const stored = await findOperationsNotice(operationsNoticeKey(notice.id), table);
    const { version = 0, expiresAt: _expiresAt, ...before } = stored ?? {};
    // Nobody received a notice of a change that was over before its start was saved.
    if (stored ? stored.isOver || isDeepStrictEqual(before, notice) : notice.isOver) return false;
    const expiry = notice.isOver && { expiresAt: ttlInDays(now(), keptDays) };
    const notification = await findNotification(target, table);
    const isWritten = await table.write([
      { put: operationsNoticeItem({ ...notice, ...expiry, version: version + 1 }), expected: version },
      ...notificationWrites(notification, { ...notification, nextAttemptAt: now().toISOString() }),
    ]);
    return isWritten || conflict;
  });
  if (isChanged)
    await orReported(reportError, 'enqueue operations notice', () => notificationQueue.enqueue([target]));
}

/** @returns the title, which says whether the change is over. */
export function operationsNoticeTitle({ title, isOver }: Pick<OperationsNotice, 'title' | 'isOver'>): string {
  return isOver ? `Over: ${title}` : title;
}
