import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table } from '../storage/table.ts';
import { isSameMessage } from './content.ts';
import {
  findNotification,
  type MessageId,
  type NotificationTarget,
  notificationWrites,
} from './notification.ts';

interface AdoptMessageDeps {
  readonly table: Table;
  readonly now: () => Date;
}

/**
 * Accepts a message with buttons that somebody clicked. A copy that linkgate does not know comes from a post whose answer never
 * came: it becomes the message while none is known, and otherwise the next delivery replaces it.
 * @returns whether its buttons count: false if another message has replaced it.
 * @throws OptimisticLockError
 */
export async function adoptClickedMessage(
  target: NotificationTarget,
  clicked: MessageId,
  { table, now }: AdoptMessageDeps,
): Promise<boolean> {
  return retryOnConflict(target.id, async () => {
    const before = await findNotification(target, table);
    if (isSameMessage(before.message, clicked)) return true;
    if (before.outdated.some((each) => isSameMessage(each, clicked))) return false;
    const { contentHash: _contentHash, inDoubt: _inDoubt, ...rest } = before;
    const isAdopted = before.message === undefined && before.digestId === undefined;
    const after = {
      ...rest,
      ...(isAdopted ? { message: clicked } : { outdated: [...before.outdated, clicked] }),
      // The doubt is over, so the next delivery follows at once.
      attempts: 0,
      nextAttemptAt: now().toISOString(),
    };
    return (await table.write(notificationWrites(before, after))) || conflict;
  });
}
