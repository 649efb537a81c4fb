/** The times of the warnings, in days before a permission expires. */
const warningDays = [14, 7, 1] as const;
const dayMs = 86_400_000;

/** Returns the newest warning that became due between the verdict and now, in days before the expiry. */
export function dueWarning(until: string, since: string, now: Date): number | undefined {
  return warningDays.findLast((days) => {
    const time = warningTime(until, days);
    return time > new Date(since).getTime() && time <= now.getTime();
  });
}

/** Returns the time of the next warning, or of the expiry (ISO 8601). */
export function nextWarningTime(until: string, now: string): string {
  const next = warningDays
    .map((days) => warningTime(until, days))
    .find((time) => time > new Date(now).getTime());
  return next === undefined ? until : new Date(next).toISOString();
}

/** Returns the day (UTC) on which a warning became due. */
export function warningDate(until: string, daysBefore: number): string {
  return new Date(warningTime(until, daysBefore)).toISOString().slice(0, 'yyyy-mm-dd'.length);
}

/** Returns the days (UTC) of all warnings that became due until now. */
export function dueWarningDates(until: string, now: Date): string[] {
  return warningDays
    .filter((days) => warningTime(until, days) <= now.getTime())
    .map((days) => warningDate(until, days));
}

function warningTime(until: string, days: number): number {
  return new Date(until).getTime() - days * dayMs;
}
