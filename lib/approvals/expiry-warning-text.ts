import type { AllowlistEntry } from '../allowlist/entry.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import { accountText } from '../customers/account-text.ts';
import { effectiveGraceSeconds, type Service } from '../services/service.ts';
import { formatTime } from '../values/styled-text.ts';
import { allowCommand, entryText } from './entry-text.ts';

/** An allowlist entry with connections that expires soon, with everything that its approvers need. */
export interface ExpiryWarning {
  readonly entry: AllowlistEntry & { readonly expiresAt: string };
  readonly service: Pick<Service, 'serviceId' | 'name' | 'graceSeconds'>;
  readonly group: ApproverGroup;
  /** The number of days before the expiry. */
  readonly daysBefore: number;
  /** The number of connections that depend on the entry, counted up to a limit; 0 if unknown. */
  readonly connections: number;
}

/** The maximum number of counted connections. */
export const maxCountedConnections = 500;

export function expiryWarningTitle({ entry, service, daysBefore }: ExpiryWarning): string {
  const time = daysBefore === 1 ? '1 day' : `${daysBefore} days`;
  return `Access of account ${accountText(entry.accountId, entry.customer)} to ${service.name} ends in ${time}`;
}

/** Describes the entry, its expiry and the effect on its connections. */
export function expiryWarningText({ entry, service, connections }: ExpiryWarning): string[] {
  const hours = Math.round(effectiveGraceSeconds(service) / 3600);
  const grace = hours === 1 ? '1 hour' : `${hours} hours`;
  return [
    `${entryText(entry)} ${connectionCountText(connections)}.`,
    `On ${formatTime(entry.expiresAt)} linkgate notifies you, and disconnects them after a grace period of ${grace} unless somebody keeps them connected. From then on approvers decide on new requests of the account.`,
  ];
}

function connectionCountText(connections: number): string {
  if (connections === 0) return 'Connections rely on it';
  if (connections === 1) return '1 connection relies on it';
  return `${connections}${connections < maxCountedConnections ? '' : ' or more'} connections rely on it`;
}

/**
 * Describes the renewal of an entry. An entry of a policy file has no command, because a command would take it over from the
 * file.
 */
export function renewalText({ entry, service }: ExpiryWarning): {
  readonly how: string;
  readonly command?: string;
} {
  return entry.managedBy === 'file'
    ? {
        how: `A policy file manages this entry. To renew it, change its expiry in the file${entry.customer === undefined ? '' : ' and the end of its customer’s contract'}, and apply the file.`,
      }
    : {
        how: 'To renew it with the same options:',
        command: allowCommand(entry, service.name, { expires: ['90d'] }),
      };
}
