import type { PendingEffect } from './connection-record.ts';

/** The wait between two Accept or Reject calls for one connection, in milliseconds. It doubles with each call. */
const backoffMs = { first: 60_000, longest: 3_600_000 };

/** @returns undefined if linkgate has not called EC2 yet. */
export function nextAttemptTime({ attempts, lastAttemptAt }: PendingEffect): Date | undefined {
  if (lastAttemptAt === undefined) return undefined;
  const wait = Math.min(backoffMs.first * 2 ** (attempts - 1), backoffMs.longest);
  return new Date(new Date(lastAttemptAt).getTime() + wait);
}

/** The time after a call in which its connection notification should report the effect, in milliseconds. */
const notificationDelayMs = 15_000;

/** Whether the connection notification of linkgate's last call may still arrive at that time. */
export function isNotificationExpected({ lastAttemptAt }: PendingEffect, time: Date): boolean {
  return (
    lastAttemptAt !== undefined && time.getTime() - new Date(lastAttemptAt).getTime() < notificationDelayMs
  );
}
