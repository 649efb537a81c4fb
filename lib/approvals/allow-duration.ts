/** For how many days an approval may allow the account too. */
export const allowDurationDays = [7, 30, 90, 365] as const;

/** @param days absent: for good. */
export function computeAllowExpiry(days: number | undefined, now: Date): { expiresAt?: string } {
  return days === undefined ? {} : { expiresAt: new Date(now.getTime() + days * 86_400_000).toISOString() };
}
