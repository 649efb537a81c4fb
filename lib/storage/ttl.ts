/** Returns the time some days from now, in seconds since the epoch, for DynamoDB's TTL. */
export function ttlInDays(now: Date, days: number): number {
  return Math.floor(now.getTime() / 1000) + days * 86_400;
}
