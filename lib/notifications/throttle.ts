import * as v from 'valibot';
import { remainingSeconds } from '../outbox/backoff.ts';
import { entity, parseEach, type ReadDeps, versionToReplace } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Item, Key, Write } from '../storage/table.ts';

/** The maximum number of new requests of one group within a minute that have separate messages. */
const maxIndividual = 10;
/**
 * The time for which a request counts toward the limit and for which a burst continues after its last request, in milliseconds.
 */
const throttleWindowMs = 60_000;
/** The time for which a digest collects all new requests of its group, in milliseconds. */
const digestOpenMs = 5 * throttleWindowMs;
/** The time for which a permanent error of Slack suspends calls to a channel, in seconds. */
const channelErrorTtlSeconds = 15 * 60;

/** The recent notifications of a group, so that a burst of requests does not cause a burst of messages. */
const NotificationThrottle = v.object({
  group: v.string(),
  /** ISO 8601: the times of the newest requests, oldest first. */
  recentRequests: v.array(v.string()),
  /** The newest digest, its start, and the time of its newest request. */
  digest: v.exactOptional(v.object({ id: v.string(), startedAt: v.string(), lastJoinedAt: v.string() })),
  /** The last permanent error of Slack for the group's channel, until a call succeeds. */
  channelError: v.exactOptional(v.object({ error: v.string(), channel: v.string(), at: v.string() })),
  version: v.number(),
});
export type NotificationThrottle = v.InferOutput<typeof NotificationThrottle>;

const throttleEntity = entity(NotificationThrottle.entries, ({ group }) => throttleKey(group));
export const { read: readThrottle, item: throttleItem } = throttleEntity;

export const throttleKey = (group: string): Key => ({ pk: 'NOTIFICATION_THROTTLE', sk: group });

/** Builds the write of a throttle. It replaces an unreadable item. */
export function throttleWrite(before: Item | undefined, throttle: NotificationThrottle): Write {
  const version = versionToReplace(before);
  return throttleEntity.put({ ...throttle, version: (version ?? 0) + 1 }, { version });
}

export async function findThrottle(group: string, deps: ReadDeps): Promise<NotificationThrottle> {
  const [item] = await deps.table.get([throttleKey(group)]);
  return parseThrottle(item, group, deps.reportError);
}

/** @returns an empty throttle if the item is missing or unreadable. */
export function parseThrottle(
  item: Item | undefined,
  group: string,
  reportError: ReadDeps['reportError'],
): NotificationThrottle {
  const [throttle] = parseEach(item ? [item] : [], readThrottle, reportError);
  return throttle ?? emptyThrottle(group);
}

export function emptyThrottle(group: string): NotificationThrottle {
  return { group, recentRequests: [], version: 0 };
}

/** @returns the number of new requests of a group that may have separate messages, and the digest that a burst continues. */
export function computeCapacity(
  { recentRequests, digest }: NotificationThrottle,
  now: Date,
): { individual: number; runningDigest?: string } {
  if (digest && isYoungerThan(digestOpenMs, digest.startedAt, now))
    return { individual: 0, runningDigest: digest.id };
  const individual =
    maxIndividual - recentRequests.filter((time) => isYoungerThan(throttleWindowMs, time, now)).length;
  const isBurstRunning = digest !== undefined && isYoungerThan(throttleWindowMs, digest.lastJoinedAt, now);
  return { individual, ...(isBurstRunning && { runningDigest: digest.id }) };
}

/** @returns the throttle after `count` more requests, some of which may have joined a digest. */
export function consumeCapacity(
  throttle: NotificationThrottle,
  came: number,
  digest: string | undefined,
  now: Date,
): NotificationThrottle {
  const time = now.toISOString();
  const times = [...throttle.recentRequests, ...Array<string>(came).fill(time)].slice(-maxIndividual);
  const startedAt = digest === throttle.digest?.id ? throttle.digest?.startedAt : undefined;
  return {
    ...throttle,
    recentRequests: times,
    ...(digest !== undefined && { digest: { id: digest, startedAt: startedAt ?? time, lastJoinedAt: time } }),
  };
}

/** @returns the seconds for which a recent permanent error suspends calls to the channel; 0 if none does. */
export function channelErrorSeconds(
  { channelError }: NotificationThrottle,
  channel: string,
  now: Date,
): number {
  return channelError?.channel === channel
    ? remainingSeconds(channelError.at, channelErrorTtlSeconds, now)
    : 0;
}

/** Stores a permanent error of Slack, or removes it after a successful call. */
export async function recordChannelError(
  group: string,
  channelError: NotificationThrottle['channelError'],
  { table, reportError }: ReadDeps,
): Promise<NotificationThrottle> {
  return retryOnConflict(group, async () => {
    const [item] = await table.get([throttleKey(group)]);
    const { channelError: storedError, ...throttle } = parseThrottle(item, group, reportError);
    if (!channelError && !storedError) return throttle;
    const after: NotificationThrottle = { ...throttle, ...(channelError && { channelError }) };
    return (await table.write([throttleWrite(item, after)])) ? after : conflict;
  });
}

function isYoungerThan(milliseconds: number, time: string, now: Date): boolean {
  return now.getTime() - new Date(time).getTime() < milliseconds;
}
