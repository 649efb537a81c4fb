const oneDaySeconds = 86_400;

/** Returns the time one day from now, in seconds since the epoch, for DynamoDB's TTL. */
export function ttlInOneDay(now: Date): number {
  return ttlInDays(now, 1);
}

/** Returns the time some days from now, in seconds since the epoch. */
export function ttlInDays(now: Date, days: number): number {
  return Math.floor(now.getTime() / 1000) + days * oneDaySeconds;
}
