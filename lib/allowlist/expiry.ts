const hour = 3_600_000;
const units: Readonly<Record<string, number>> = { h: hour, d: 24 * hour };

/** `7d` or `36h`, in milliseconds. */
export function durationIn(text: string): number | undefined {
  const [, amount, unit = ''] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (units[unit] ?? 0);
}

/** When an entry expires, as a person wrote it: at an instant, or so long after now. */
export type Expiry = { readonly at: Date } | { readonly afterMs: number };

/**
 * `2027-01-31` means the end of that day in UTC; `30d` and `12h` count from now; or an ISO 8601 date-time.
 * @returns undefined where it is none of these.
 */
export function expiryIn(text: string): Expiry | undefined {
  const afterMs = durationIn(text);
  if (afterMs !== undefined) return { afterMs };
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const at = new Date(`${text}T23:59:59.999Z`);
    // JavaScript takes the 30th of February for the 2nd of March.
    return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? { at } : undefined;
  }
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : { at };
}

export function instantOf(expiry: Expiry, now: Date): Date {
  return 'at' in expiry ? expiry.at : new Date(now.getTime() + expiry.afterMs);
}
