import type { AllowlistEntry } from '../allowlist/entry.ts';
import { accountText } from '../customers/account-text.ts';
import { effectiveGraceSeconds, type Service } from '../services/service.ts';
import { asCode, asStrong, asTime, type StyledText, styled } from '../values/styled-text.ts';
import { allowCommand } from './entry-text.ts';

/** An allowlist entry with connections that expires soon. */
export interface ExpiryWarning {
  readonly entry: AllowlistEntry & { readonly expiresAt: string };
  readonly service: Pick<Service, 'serviceId' | 'name' | 'graceSeconds'>;
  /** The number of days before the expiry when the warning became due. */
  readonly daysBefore: number;
  /** The number of connected endpoints that rely on the entry, counted up to a limit. */
  readonly connections: number;
}

/** The warnings of one approver group that share a notification. */
export interface ExpiryWarningsView {
  readonly group: string;
  /** The soonest expiry first. */
  readonly warnings: readonly ExpiryWarning[];
  /** The number of entries that somebody has renewed or removed since their warning. */
  readonly renewedCount: number;
}

/** The maximum number of counted connections of an entry. */
export const maxCountedConnections = 500;

export function expiryWarningsTitle({ warnings, renewedCount }: ExpiryWarningsView): string {
  const [first, ...others] = warnings;
  if (!first)
    return renewedCount === 1
      ? 'The expiring access was renewed or removed'
      : `All access of ${renewedCount} allowlist entries was renewed or removed`;
  if (others.length > 0)
    return `${warnings.length} allowlist entries with connections expire within ${daysText(Math.max(...warnings.map(({ daysBefore }) => daysBefore)))}`;
  const { entry, service, daysBefore } = first;
  return `Access of account ${accountText(entry.accountId, entry.customer)} to ${service.name} ends in ${daysText(daysBefore)}`;
}

const daysText = (days: number) => (days === 1 ? '1 day' : `${days} days`);

/** Describes one entry and its renewal, in two lines. */
function expiryWarningLines({ entry, service, connections }: ExpiryWarning): StyledText[] {
  const { accountId, customer, expiresAt, managedBy } = entry;
  return [
    styled`${asStrong(`Account ${accountText(accountId, customer)}`)} at ${service.name}: expires on ${asTime(expiresAt)}, ${connectedEndpointsText(connections)}.`,
    // A command would take the entry over from the file.
    managedBy === 'file'
      ? styled`A policy file manages this entry: change its expiry${customer === undefined ? '' : ' and the end of its customer’s contract'} there, and apply the file.`
      : styled`To renew it: ${asCode(allowCommand(entry, service.name, { expires: ['90d'] }))}`,
  ];
}

function connectedEndpointsText(connections: number): string {
  if (connections === 1) return '1 connected endpoint';
  return `${connections}${connections < maxCountedConnections ? '' : ' or more'} connected endpoints`;
}

/**
 * Writes the first entries, as many as fit into a notification, and describes the others.
 * @param limit the maximum total size of the entries, in the unit of `measure`
 */
export function writeListedWarnings<Entry>(
  warnings: readonly ExpiryWarning[],
  limit: number,
  write: (lines: StyledText[]) => Entry,
  measure: (entry: Entry) => number,
): { readonly entries: readonly Entry[]; readonly omitted: readonly StyledText[] } {
  const entries: Entry[] = [];
  let total = 0;
  for (const warning of warnings) {
    const entry = write(expiryWarningLines(warning));
    total += measure(entry);
    if (total > limit) break;
    entries.push(entry);
  }
  const omittedCount = warnings.length - entries.length;
  if (omittedCount === 0) return { entries, omitted: [] };
  return {
    entries,
    omitted: [
      styled`And ${omittedCount} more. To see the expiry of each entry: ${asCode('linkgate allowlist list')}`,
    ],
  };
}

/** Describes what happens at the expiry, and what happened since the warning. */
export function expiryConsequences({ warnings, renewedCount }: ExpiryWarningsView): StyledText[] {
  if (warnings.length === 0) return [];
  const hours = warnings.map(({ service }) => Math.round(effectiveGraceSeconds(service) / 3600));
  const grace = [...new Set([Math.min(...hours), Math.max(...hours)])].join(' to ');
  return [
    styled`At the expiry linkgate notifies you, and disconnects the endpoints after a grace period of ${grace} ${grace === '1' ? 'hour' : 'hours'} unless somebody keeps them connected. From then on approvers decide on new requests of the account.`,
    ...(renewedCount > 0
      ? [
          styled`${renewedCount === 1 ? '1 other entry was' : `${renewedCount} other entries were`} renewed or removed since.`,
        ]
      : []),
  ];
}
