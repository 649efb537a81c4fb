const oneDaySeconds = 86_400;

/** When what is made now may vanish a day later: in seconds since the epoch, for DynamoDB's TTL. */
export function ttlInOneDay(now: Date): number {
  return Math.floor(now.getTime() / 1000) + oneDaySeconds;
}
