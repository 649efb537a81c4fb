import { InvalidArgumentError } from 'commander';
import { CommandError } from './command-error.ts';

/** When an entry expires, as a person wrote it: at an instant, or so long after now. */
export type Expiry = { readonly at: Date } | { readonly afterMs: number };

const hour = 3_600_000;
const units: Readonly<Record<string, number>> = { h: hour, d: 24 * hour };

/** `2027-01-31` means the end of that day in UTC; `30d` and `12h` count from now; or an ISO 8601 date-time. */
export function parseExpiry(text: string): Expiry {
  const [, amount, unit = ''] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  if (amount !== undefined) return { afterMs: Number(amount) * (units[unit] ?? 0) };
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const at = new Date(`${text}T23:59:59.999Z`);
    // JavaScript takes the 30th of February for the 2nd of March.
    if (!Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)) return { at };
  }
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)) {
    const at = new Date(text);
    if (!Number.isNaN(at.getTime())) return { at };
  }
  throw new InvalidArgumentError(
    'Write a date such as 2027-01-31 (its end, UTC), a time from now such as 30d or 12h, or a date-time such as 2027-01-31T12:00:00Z.',
  );
}

/** @param now by the clock of linkgate's API, which is the one that expiries are judged by */
export function expiresAt(expiry: Expiry, now: Date): string {
  const at = 'at' in expiry ? expiry.at : new Date(now.getTime() + expiry.afterMs);
  if (at <= now)
    throw new CommandError(
      'calledWrongly',
      `--expires is in the past: linkgate's clock says ${now.toISOString()}; give a later time, such as 30d`,
    );
  return at.toISOString();
}
