import type { PolicyDocument } from './document.ts';

/** The maximum number of warnings, because the idempotency item stores the response. */
const maxListedExpiries = 50;

/** Warns of past expiries and contract ends in a policy, which are valid. */
export function listPastExpiries({ entries, customers }: PolicyDocument, now: Date): string[] {
  const isPast = (time: string | undefined): time is string => time !== undefined && new Date(time) <= now;
  const warnings = [
    ...customers.flatMap(({ name, contractEndsAt, at }) =>
      isPast(contractEndsAt)
        ? [`${sourcePrefix(at)}the contract of customer ${name} ended on ${formatDay(contractEndsAt)}`]
        : [],
    ),
    ...entries.flatMap((entry) =>
      entry.effect === 'allow' && isPast(entry.expiresAt)
        ? [
            `${sourcePrefix(entry.at)}the entry of account ${entry.accountId} at ${entry.service} expired on ${formatDay(entry.expiresAt)}, so it allows nothing`,
          ]
        : [],
    ),
  ];
  const unlistedCount = warnings.length - maxListedExpiries;
  return unlistedCount > 0
    ? [...warnings.slice(0, maxListedExpiries), `and ${unlistedCount} more have expired`]
    : warnings;
}

function sourcePrefix(at: string | undefined): string {
  return at === undefined ? '' : `${at}: `;
}

function formatDay(time: string): string {
  return time.slice(0, 10);
}
