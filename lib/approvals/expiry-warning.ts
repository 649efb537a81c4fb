import type { AllowlistEntry } from '../allowlist/entry.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import { effectiveGraceSeconds, type Service } from '../services/service.ts';
import { allowCommand, entryText, formatTime } from './status-text.ts';

/** An entry by which connections live expires soon, with all that its approvers want to know of that. */
export interface ExpiryWarning {
  readonly entry: AllowlistEntry & { readonly expiresAt: string };
  readonly service: Pick<Service, 'serviceId' | 'name' | 'graceSeconds'>;
  readonly group: ApproverGroup;
  /** How many days before. */
  readonly daysBefore: number;
  /** How many connections live by it, as far as they are counted; 0 where it is not known. */
  readonly connections: number;
}

/** Connections are counted up to this many. */
export const maxCountedConnections = 500;

export function expiryWarningTitle({ entry, service, daysBefore }: ExpiryWarning): string {
  const time = daysBefore === 1 ? '1 day' : `${daysBefore} days`;
  return `Access of account ${entry.accountId} to ${service.name} ends in ${time}`;
}

/** What ends when, and what becomes of the connections then. */
export function expiryWarningText({ entry, service, connections }: ExpiryWarning): string[] {
  const hours = Math.round(effectiveGraceSeconds(service) / 3600);
  const grace = hours === 1 ? '1 hour' : `${hours} hours`;
  return [
    `${entryText(entry)} By it ${connectionCountText(connections)}.`,
    `After ${formatTime(entry.expiresAt)} they are not cut at once: you are told of them then, and after a grace period of ${grace} they are cut, unless somebody approves that they stay. What the account asks for from then on is left to people.`,
  ];
}

function connectionCountText(connections: number): string {
  if (connections === 0) return 'connections live';
  if (connections === 1) return '1 connection lives';
  return `${connections}${connections < maxCountedConnections ? '' : ' or more'} connections live`;
}

/** How the entry is prolonged. No command for what a policy file has: what is changed elsewhere is no longer the file's. */
export function renewalText({ entry, service }: ExpiryWarning): {
  readonly how: string;
  readonly command?: string;
} {
  return entry.managedBy === 'file'
    ? {
        how: `A policy file has this entry: to prolong it, change its expiry there${entry.customer === undefined ? '' : ' and the end of its customer’s contract'}, and apply the file.`,
      }
    : {
        how: 'To prolong it, with all else that it says:',
        command: allowCommand(entry, service.name, { expires: ['90d'] }),
      };
}
