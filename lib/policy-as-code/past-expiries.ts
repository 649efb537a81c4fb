import type { PolicyDocument } from './document.ts';

/** An answer has to fit into the table, to be given again. */
const saidAtMost = 50;

/** What of a policy has expired already: it is no fault, and lets nobody in. */
export function listPastExpiries({ entries, customers }: PolicyDocument, now: Date): string[] {
  const isPast = (time: string | undefined): time is string => time !== undefined && new Date(time) <= now;
  const said = [
    ...customers.flatMap(({ name, contractEndsAt, at }) =>
      isPast(contractEndsAt)
        ? [`${placeOf(at)}the contract of customer ${name} ended on ${dayOf(contractEndsAt)}`]
        : [],
    ),
    ...entries.flatMap((entry) =>
      entry.effect === 'allow' && isPast(entry.expiresAt)
        ? [
            `${placeOf(entry.at)}the entry of account ${entry.accountId} at ${entry.service} expired on ${dayOf(entry.expiresAt)}, so that it lets nobody in`,
          ]
        : [],
    ),
  ];
  const others = said.length - saidAtMost;
  return others > 0 ? [...said.slice(0, saidAtMost), `and ${others} more have expired`] : said;
}

function placeOf(at: string | undefined): string {
  return at === undefined ? '' : `${at}: `;
}

function dayOf(time: string): string {
  return time.slice(0, 10);
}
