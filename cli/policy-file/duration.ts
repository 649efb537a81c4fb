const units = { d: 86_400, h: 3600, m: 60, s: 1 } as const;

export const durationPattern = /^([1-9]\d{0,7})([dhms])$/;

/** Parses `7d`, `36h`, `90m` or `30s`. Returns seconds. */
export function parseSeconds(text: string): number | undefined {
  const [, amount, unit] = durationPattern.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * units[unit as keyof typeof units];
}

/** Formats seconds in the longest unit that divides them. */
export function formatDuration(seconds: number): string {
  const [unit, length] = Object.entries(units).find(([, each]) => seconds % each === 0) ?? ['s', 1];
  return `${seconds / length}${unit}`;
}
