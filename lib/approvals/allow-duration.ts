/** The number of days for which an approval can allow the account. */
export const allowDurationDays = [7, 30, 90, 365] as const;

/** @param days if absent, the entry does not expire. */
export function computeAllowExpiry(days: number | undefined, now: Date): { expiresAt?: string } {
  return days === undefined ? {} : { expiresAt: new Date(now.getTime() + days * 86_400_000).toISOString() };
}
