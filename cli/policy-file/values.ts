import { parseExpiry, resolveExpiry } from '../../lib/allowlist/parse-expiry.ts';
import { parseActor } from '../parse-actor.ts';

/** Removes the fields that are undefined. */
export function withoutUndefined<T extends object>(
  fields: {
    readonly [Name in keyof T]: T[Name] | undefined;
  },
): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

export function removeDuplicates<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** The instant until which something counts. */
export function parseInstant(text: string | undefined): string | undefined {
  const expiry = text === undefined ? undefined : parseExpiry(text);
  // The form takes no time from now.
  return expiry && resolveExpiry(expiry, new Date(0)).toISOString();
}

/** The end of a day as that day; another instant as it is. */
export function formatDate(instant: string): string {
  const [day, end] = instant.split('T');
  return day !== undefined && end === '23:59:59.999Z' ? day : instant;
}

export function parseActors(texts: readonly string[] | undefined): string[] {
  return texts?.flatMap((text) => parseActor(text) ?? []) ?? [];
}

/** An actor as people write one. */
export function formatActor(actor: string): string {
  return actor.replace(/^(slack|mailto):/, '');
}
