import * as v from 'valibot';
import { entity, type ReadDeps } from '../storage/entity.ts';
import { index } from '../storage/pointer-index.ts';
import type { Item, Key, Table, Write } from '../storage/table.ts';

/** The audience of each kind of notification. */
const audiences = {
  request: 'approvers',
  digest: 'approvers',
  'expiry-warnings': 'approvers',
  'operations-notice': 'operations',
  'customer-event': 'customer',
} as const;
export type NotificationKind = keyof typeof audiences;
type Audience = (typeof audiences)[NotificationKind];

/** The target of a notification, and the message of its queue. A duplicate is harmless: its delivery finds no change. */
export const NotificationTarget = v.object({
  kind: v.picklist(Object.keys(audiences) as NotificationKind[]),
  id: v.string(),
});
export type NotificationTarget = Readonly<v.InferOutput<typeof NotificationTarget>>;

/** The queue of the function that delivers. */
export interface NotificationQueue {
  enqueue(targets: readonly NotificationTarget[]): Promise<void>;
  /** Enqueues with a delay of at most 900 seconds. */
  enqueueAfter(seconds: number, targets: readonly NotificationTarget[]): Promise<void>;
}

/** A message in a channel of Slack. */
export const MessageId = v.object({ channel: v.string(), ts: v.string() });
export type MessageId = Readonly<v.InferOutput<typeof MessageId>>;

/** What one audience has received about one target. Only `deliver` and the click on an unknown copy write it. */
export const Notification = v.object({
  ...NotificationTarget.entries,
  /** The question that the message is about. A new question about the same target starts a new message. */
  generation: v.exactOptional(v.string()),
  /** The hash of the content that the audience received last; absent while a run changes it, or after it failed. */
  contentHash: v.exactOptional(v.string()),
  /** ISO 8601: the last update of the message. */
  renderedAt: v.exactOptional(v.string()),
  message: v.exactOptional(MessageId),
  /** Messages that another one replaced, until Slack accepts their last update. */
  outdated: v.optional(v.array(MessageId), []),
  /** The id of the newest reply in the thread of the message. */
  repliedTo: v.exactOptional(v.string()),
  /** The version of the newest e-mail by address, and the time of the newest one (ISO 8601). */
  emailed: v.optional(v.record(v.string(), v.string()), {}),
  emailedAt: v.exactOptional(v.string()),
  /** The provider's name for the service in the newest e-mail, in case the service is deregistered. */
  service: v.exactOptional(v.string()),
  /** The digest that shows the target, and its approver group. */
  digestId: v.exactOptional(v.string()),
  digestGroup: v.exactOptional(v.string()),
  /** ISO 8601: the end of the lease of one run. */
  leaseUntil: v.exactOptional(v.string()),
  /** The attempts since the last complete delivery, the time of the first one and of the next one (ISO 8601). */
  attempts: v.optional(v.number(), 0),
  since: v.exactOptional(v.string()),
  nextAttemptAt: v.exactOptional(v.string()),
  /** A run began to post a message, and its answer is unknown. */
  inDoubt: v.exactOptional(v.boolean()),
  /** Seconds since the epoch, for DynamoDB's TTL: a day after the target ended. */
  expiresAt: v.exactOptional(v.number()),
  version: v.number(),
});
export type Notification = v.InferOutput<typeof Notification>;

export function notificationKey({ kind, id }: NotificationTarget): Key {
  return { pk: `NOTIFICATION#${kind}#${id}`, sk: audiences[kind] };
}

const notificationEntity = entity(Notification.entries, notificationKey);
export const readNotification = notificationEntity.read;

/** @returns an empty notification if there is no item. */
export async function findNotification(target: NotificationTarget, table: Table): Promise<Notification> {
  const [item] = await table.get([notificationKey(target)]);
  return parseNotification(target, item);
}

export function parseNotification({ kind, id }: NotificationTarget, item: Item | undefined): Notification {
  return item ? readNotification(item) : { kind, id, outdated: [], emailed: {}, attempts: 0, version: 0 };
}

/** The notifications with a next attempt, by audience, in the order of its time. */
export const notificationRetries = index({
  name: 'NOTIFICATION_RETRY',
  entries: NotificationTarget.entries,
  formatPartition: (audience: Audience) => audience,
  pointer: ({ kind, id, nextAttemptAt }: Notification) =>
    nextAttemptAt === undefined
      ? undefined
      : { of: audiences[kind], sk: `${nextAttemptAt}#${kind}#${id}`, target: { kind, id } },
});

/** Builds the writes of an item and of the pointer by which the schedule finds its next attempt. */
export function notificationWrites(before: Notification, changed: Notification): Write[] {
  const after = { ...changed, version: before.version + 1 };
  return [notificationEntity.put(after, before), ...notificationRetries.writes(before, after)];
}

interface EnqueueRetriesDeps extends ReadDeps {
  readonly notificationQueue: NotificationQueue;
  readonly customerNotificationQueue: NotificationQueue;
  readonly now: () => Date;
}

/** Enqueues the notifications whose next attempt is due. The schedule of the pending sweep calls it each minute. */
export async function enqueueDueRetries(deps: EnqueueRetriesDeps): Promise<void> {
  const options = { limit: 200, until: deps.now().toISOString() };
  for (const audience of new Set(Object.values(audiences))) {
    const queue = audience === 'customer' ? deps.customerNotificationQueue : deps.notificationQueue;
    for await (const due of notificationRetries.list(audience, deps, options))
      await queue.enqueue(due.map(({ kind, id }) => ({ kind, id })));
  }
}
