import { InvalidArgumentError } from 'commander';
import {
  type Expiry,
  explainInvalidExpiry,
  parseDuration,
  parseExpiry,
  resolveExpiry,
} from '../lib/allowlist/parse-expiry.ts';
import { CommandError } from './command-error.ts';

/** Parses a deadline. Returns seconds. */
export function parseDeadlineOption(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('Write a time such as 7d or 36h.');
  return milliseconds / 1000;
}

/** Describes the values that `parseExpiryOption` accepts. */
export const expiryText =
  'a date (its end, UTC) such as 2027-01-31, a time from now such as 30d or 12h, or an ISO date-time';

/** Parses the expiry of an entry, which `resolveExpiresAt` resolves. */
export function parseExpiryOption(text: string): Expiry {
  const expiry = parseExpiry(text);
  if (expiry) return expiry;
  throw new InvalidArgumentError(`${capitalize(explainInvalidExpiry(text))}.`);
}

/** Commander's own messages start with a capital letter. */
function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param now the time by the clock of linkgate's API, which evaluates expiries */
export function resolveExpiresAt(expiry: Expiry, now: Date, option = '--expires'): string {
  const at = resolveExpiry(expiry, now);
  if (at <= now)
    throw new CommandError(
      'usageError',
      `${option} is in the past: linkgate's clock says ${now.toISOString()}; give a later time, such as 30d`,
    );
  return at.toISOString();
}
