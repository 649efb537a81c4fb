import * as v from 'valibot';

const rfc3339Pattern =
  /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** How an instant is written, for people. */
export const instantFormat = 'a date-time such as 2027-01-31T12:00:00Z or 2027-01-31T12:00:00+02:00';

/** A day of the calendar, as `2027-01-31`. JavaScript takes the 30th of February for the 2nd of March. */
export function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

/** That a time names a day that does not exist; undefined where something else is wrong with it, or nothing. */
export function missingDay(time: string): string | undefined {
  const [day] = /^\d{4}-\d{2}-\d{2}(?=T|$)/.exec(time) ?? [];
  return day === undefined || isDay(day) ? undefined : `there is no day ${day}`;
}

/**
 * RFC 3339, with `T` and `Z` in capitals. JavaScript and ISO 8601 take more, and not all readers take it alike.
 * @returns undefined where it is none
 */
export function parseInstant(text: string): Date | undefined {
  if (!rfc3339Pattern.test(text) || missingDay(text) !== undefined) return undefined;
  const instant = new Date(text);
  // An offset may lead out of the years that RFC 3339 can write.
  return /^\d{4}-/.test(instant.toISOString()) ? instant : undefined;
}

/** An instant in UTC, to the millisecond, so that texts compare as times do: `2027-01-31T10:00:00.000Z`. */
export const Instant = v.pipe(
  v.string(),
  v.metadata({ format: 'date-time' }),
  v.rawTransform<string, string>(({ dataset: { value }, addIssue, NEVER }) => {
    const instant = parseInstant(value);
    if (instant) return instant.toISOString();
    addIssue({ message: missingDay(value) ?? `write ${instantFormat}` });
    return NEVER;
  }),
);
