import { instantFormat, isDay, missingDay, parseInstant } from '../values/instant.ts';

const hourMs = 3_600_000;
const durationUnitsMs: Readonly<Record<string, number>> = { h: hourMs, d: 24 * hourMs };

/** Parses a duration such as `7d` or `36h`. @returns milliseconds */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (durationUnitsMs[unit] ?? 0);
}

/** The expiry of an entry as a person writes it: a time, or a duration from now. */
export type Expiry = { readonly at: Date } | { readonly afterMs: number };

/**
 * Parses an expiry: `2027-01-31` is the end of that day in UTC, `30d` and `12h` count from now; or a date-time of RFC 3339.
 * @returns undefined if the text is none of these.
 */
export function parseExpiry(text: string): Expiry | undefined {
  const afterMs = parseDuration(text);
  if (afterMs !== undefined) return { afterMs };
  if (/^\d{4}-\d{2}-\d{2}$/.test(text))
    return isDay(text) ? { at: new Date(`${text}T23:59:59.999Z`) } : undefined;
  const at = parseInstant(text);
  return at && { at };
}

/** Explains why a text is not a valid expiry, and how to write one. */
export function explainInvalidExpiry(text: string): string {
  return (
    missingDay(text) ??
    `write a date such as 2027-01-31 (its end, UTC), a time from now such as 30d or 12h, or ${instantFormat}`
  );
}

export function resolveExpiry(expiry: Expiry, now: Date): Date {
  return 'at' in expiry ? expiry.at : new Date(now.getTime() + expiry.afterMs);
}
