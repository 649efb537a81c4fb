import * as v from 'valibot';
import { entity, parseEach, type ReadDeps, versionToReplace } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Item, Key, Write } from '../storage/table.ts';

/** More new requests than this for one group within a minute are told of together. */
const maxIndividual = 10;
/** How long a request counts as new, and a storm goes on after its last one, in milliseconds. */
const throttleWindowMs = 60_000;
/** How long a digest takes in all that comes, so that what belongs together is found together, in milliseconds. */
const digestOpenMs = 5 * throttleWindowMs;
/** How long a channel that Slack refuses is left alone, in milliseconds. */
const channelErrorTtlMs = 15 * throttleWindowMs;

/** What a group was told of lately, so that a storm of requests does not become a storm of messages. */
const NotificationThrottle = v.object({
  group: v.string(),
  /** ISO 8601: when the newest requests came, the oldest first. */
  recentRequests: v.array(v.string()),
  /** The digest that the newest of a storm went into, when it began, and when they joined it. */
  digest: v.exactOptional(v.object({ id: v.string(), startedAt: v.string(), lastJoinedAt: v.string() })),
  /** What Slack refused in the group's channel, until it takes something there again. */
  channelError: v.exactOptional(v.object({ error: v.string(), channel: v.string(), at: v.string() })),
  version: v.number(),
});
export type NotificationThrottle = v.InferOutput<typeof NotificationThrottle>;

const throttleEntity = entity(NotificationThrottle.entries);

export const throttleKey = (group: string): Key => ({ pk: 'NOTIFICATION_THROTTLE', sk: group });

export function throttleItem(throttle: NotificationThrottle): Item {
  return throttleEntity.item(throttleKey(throttle.group), throttle);
}

/** The change of a board; one that cannot be read is begun anew. */
export function throttleWrite(before: Item | undefined, throttle: NotificationThrottle): Write {
  const expected = versionToReplace(before);
  const put = throttleItem({ ...throttle, version: (expected ?? 0) + 1 });
  return { put, ...(expected !== undefined && { expected }) };
}

export function readThrottle(item: Item): NotificationThrottle {
  return throttleEntity.read(item);
}

export async function findThrottle(group: string, deps: ReadDeps): Promise<NotificationThrottle> {
  const [item] = await deps.table.get([throttleKey(group)]);
  return parseThrottle(item, group, deps.reportError);
}

/** An empty one, where there is none that can be read. */
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

/** How many of a group's new requests are told of one by one, and the digest that a storm goes on in. */
export function computeCapacity(
  { recentRequests, digest }: NotificationThrottle,
  now: Date,
): { individual: number; runningDigest?: string } {
  if (digest && isYoungerThan(digestOpenMs, digest.startedAt, now))
    return { individual: 0, runningDigest: digest.id };
  const individual =
    maxIndividual - recentRequests.filter((time) => isYoungerThan(throttleWindowMs, time, now)).length;
  const goesOn = digest !== undefined && isYoungerThan(throttleWindowMs, digest.lastJoinedAt, now);
  return { individual, ...(goesOn && { runningDigest: digest.id }) };
}

/** The board after so many more requests came, and where those went that were too many to be told of one by one. */
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
    version: throttle.version + 1,
  };
}

/** Whether Slack refused the channel so lately that it is left alone. */
export function isChannelFailing(
  { channelError }: NotificationThrottle,
  channel: string,
  now: Date,
): boolean {
  return (
    channelError !== undefined &&
    channelError.channel === channel &&
    isYoungerThan(channelErrorTtlMs, channelError.at, now)
  );
}

/** Remembers what Slack refused, or forgets it once Slack takes something again. */
export async function recordChannelError(
  group: string,
  channelError: NotificationThrottle['channelError'],
  { table, reportError }: ReadDeps,
): Promise<NotificationThrottle> {
  return retryOnConflict(group, async () => {
    const [item] = await table.get([throttleKey(group)]);
    const { channelError: known, ...throttle } = parseThrottle(item, group, reportError);
    if (!channelError && !known) return throttle;
    const after: NotificationThrottle = { ...throttle, ...(channelError && { channelError }) };
    return (await table.write([throttleWrite(item, after)])) ? after : conflict;
  });
}

function isYoungerThan(milliseconds: number, time: string, now: Date): boolean {
  return now.getTime() - new Date(time).getTime() < milliseconds;
}
