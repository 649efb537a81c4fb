/** The lifetime of links after the deadline or after a later email, in milliseconds: long enough for a person's absence. */
const linkGraceMs = 7 * 86_400_000;

/**
 * Computes the expiry of an approval link.
 * @param deadline ISO 8601
 * @returns ISO 8601
 */
export function computeLinkExpiry(deadline: string, now: Date): string {
  const from = Math.max(new Date(deadline).getTime(), now.getTime());
  return new Date(from + linkGraceMs).toISOString();
}
