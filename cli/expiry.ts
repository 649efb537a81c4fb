import { InvalidArgumentError } from 'commander';
import { durationIn, type Expiry, expiryIn, instantOf } from '../lib/allowlist/expiry.ts';
import { CommandError } from './command-error.ts';

/** How long people have, in seconds. */
export function parseDeadline(text: string): number {
  const milliseconds = durationIn(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('Write a time such as 7d or 36h.');
  return milliseconds / 1000;
}

/** See `expiryIn`. */
export function parseExpiry(text: string): Expiry {
  const expiry = expiryIn(text);
  if (expiry) return expiry;
  throw new InvalidArgumentError(
    'Write a date such as 2027-01-31 (its end, UTC), a time from now such as 30d or 12h, or a date-time such as 2027-01-31T12:00:00Z.',
  );
}

/** @param now by the clock of linkgate's API, which is the one that expiries are judged by */
export function expiresAt(expiry: Expiry, now: Date, option = '--expires'): string {
  const at = instantOf(expiry, now);
  if (at <= now)
    throw new CommandError(
      'calledWrongly',
      `${option} is in the past: linkgate's clock says ${now.toISOString()}; give a later time, such as 30d`,
    );
  return at.toISOString();
}
