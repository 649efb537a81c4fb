import * as v from 'valibot';

const rfc3339Pattern =
  /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Describes the format of a date-time. */
export const instantFormat = 'a date-time such as 2027-01-31T12:00:00Z or 2027-01-31T12:00:00+02:00';

/** Whether a day such as `2027-01-31` exists. JavaScript parses 30 February as 2 March. */
export function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

/** Returns a message if the day of a time does not exist. */
export function missingDay(time: string): string | undefined {
  const [day] = /^\d{4}-\d{2}-\d{2}(?=T|$)/.exec(time) ?? [];
  return day === undefined || isDay(day) ? undefined : `there is no day ${day}`;
}

/**
 * Parses RFC 3339 with upper case `T` and `Z`. JavaScript and ISO 8601 allow more formats, which not every parser reads alike.
 * @returns undefined if the text is invalid
 */
export function parseInstant(text: string): Date | undefined {
  if (!rfc3339Pattern.test(text) || missingDay(text) !== undefined) return undefined;
  const instant = new Date(text);
  // An offset may shift the year outside the range of RFC 3339.
  return /^\d{4}-/.test(instant.toISOString()) ? instant : undefined;
}

/** A time in UTC with milliseconds, so that texts sort like times: `2027-01-31T10:00:00.000Z`. */
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
