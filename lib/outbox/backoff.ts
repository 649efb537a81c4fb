/**
 * The delays of the attempts after a failure. While a post is in doubt, each attempt may leave a copy of the message in Slack, so
 * the delay doubles.
 */
const backoffs = {
  failed: { firstSeconds: 60, maxSeconds: 60 },
  inDoubt: { firstSeconds: 60, maxSeconds: 3600 },
} as const;

/** After this time linkgate makes no further attempt to deliver what nobody has to decide any more, in milliseconds. */
const retryWindowMs = 7 * 86_400_000;

/** @returns the delay of the next attempt in seconds. */
export function backoffSeconds(attempts: number, isInDoubt: boolean): number {
  const { firstSeconds, maxSeconds } = backoffs[isInDoubt ? 'inDoubt' : 'failed'];
  return Math.min(firstSeconds * 2 ** (Math.max(attempts, 1) - 1), maxSeconds);
}

/** Whether a closed target has failed for so long that no further attempt follows. */
export function isGivenUp({ since }: { readonly since?: string }, isOpen: boolean, now: Date): boolean {
  return !isOpen && since !== undefined && now.getTime() - new Date(since).getTime() > retryWindowMs;
}

export function addSeconds(time: Date, seconds: number): string {
  return new Date(time.getTime() + seconds * 1000).toISOString();
}

/** @returns the seconds until an interval after `last` is over, at least 0. */
export function remainingSeconds(last: string | undefined, intervalSeconds: number, now: Date): number {
  if (last === undefined) return 0;
  return Math.max(intervalSeconds - (now.getTime() - new Date(last).getTime()) / 1000, 0);
}
