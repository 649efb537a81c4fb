/** The capacity and the refill rate of a token bucket. */
export interface Bucket {
  readonly capacity: number;
  readonly refillPerSecond: number;
}

export interface Level {
  readonly tokens: number;
  readonly at: number;
}

/** Takes a token. Returns 0, or the seconds until the next token. */
export function takeToken(
  levels: Map<string, Level>,
  name: string,
  { capacity, refillPerSecond }: Bucket,
  now: number,
): number {
  const level = levels.get(name) ?? { tokens: capacity, at: now };
  const refilled = level.tokens + (Math.max(now - level.at, 0) / 1000) * refillPerSecond;
  const tokens = Math.min(capacity, refilled);
  const isTaken = tokens >= 1;
  levels.set(name, { tokens: isTaken ? tokens - 1 : tokens, at: now });
  return isTaken ? 0 : (1 - tokens) / refillPerSecond;
}
