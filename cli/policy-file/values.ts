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

/** Parses an expiry to an instant. */
export function parseInstant(text: string | undefined): string | undefined {
  const expiry = text === undefined ? undefined : parseExpiry(text);
  // The schema refuses a duration from now, so the current time has no effect.
  return expiry && resolveExpiry(expiry, new Date(0)).toISOString();
}

/** Formats the end of a day as that day, and any other instant unchanged. */
export function formatDate(instant: string): string {
  const [day, end] = instant.split('T');
  return day !== undefined && end === '23:59:59.999Z' ? day : instant;
}

export function parseActors(texts: readonly string[] | undefined): string[] {
  return texts?.flatMap((text) => parseActor(text) ?? []) ?? [];
}

/** Formats an actor as people write it. */
export function formatActor(actor: string): string {
  return actor.replace(/^(slack|mailto):/, '');
}
