import type { ConnectionRecord } from '../connections/connection-record.ts';
import type { Service } from '../services/service.ts';
import { markTimes, writePlain } from '../values/styled-text.ts';
import { primaryReason } from '../verdicts/verdict.ts';
import { type ApprovalKind, computeApprovalKind } from './status.ts';

/** The maximum number of accounts that the text of a digest names. */
export const maxNamedAccounts = 5;

/** Counts by key, the most frequent key first. */
export function countBy<T>(all: readonly T[], selectKey: (one: T) => string): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(selectKey(one), (counts.get(selectKey(one)) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** @returns the name of a service, or its id if it is not among the services. */
export function findServiceName(serviceId: string, services: readonly Service[]): string {
  return services.find((service) => service.serviceId === serviceId)?.name ?? serviceId;
}

/**
 * Counts the open requests by kind: `2 of 12 requests wait for approval`, or `1 request waits for approval, 90 connections will
 * be disconnected`.
 */
export function waitingText(open: readonly ConnectionRecord[], all = open.length): string {
  const [first, ...otherGroups] = [...Map.groupBy(open, computeApprovalKind)];
  if (!first) return 'Nothing waits';
  if (otherGroups.length === 0 && open.length < all)
    return `${open.length} of ${all} ${waitingPhrases[first[0]].many}`;
  return [first, ...otherGroups]
    .map(
      ([approvalKind, { length }]) =>
        `${length} ${waitingPhrases[approvalKind][length === 1 ? 'one' : 'many']}`,
    )
    .join(', ');
}

const waitingPhrases: Readonly<Record<ApprovalKind, { readonly one: string; readonly many: string }>> = {
  'new-connection': { one: 'request waits for approval', many: 'requests wait for approval' },
  'scheduled-disconnect': {
    one: 'connection will be disconnected',
    many: 'connections will be disconnected',
  },
  'keep-or-disconnect': { one: 'connection needs a decision', many: 'connections need a decision' },
};

/** Whether all records are requests for new connections. */
export function areAllNewConnections(records: readonly ConnectionRecord[]): boolean {
  return records.every((record) => computeApprovalKind(record) === 'new-connection');
}

/**
 * Counts the reasons to ask about connected endpoints, the most frequent first. Omits requests, because each has its own reason.
 */
export function reasonCounts(open: readonly ConnectionRecord[]): (readonly [string, number])[] {
  const connections = open.filter((record) => computeApprovalKind(record) !== 'new-connection');
  const reasons = countBy(connections, ({ verdict }) =>
    verdict ? writePlain(markTimes(primaryReason(verdict))) : '',
  );
  return reasons.slice(0, maxReasons);
}

const maxReasons = 5;

/** @returns the earliest deadline of each kind, in chronological order. ISO 8601. */
export function earliestDeadlines(open: readonly ConnectionRecord[]): (readonly [ApprovalKind, string])[] {
  return [...Map.groupBy(open, computeApprovalKind)]
    .flatMap(([approvalKind, records]) => {
      const [first] = records.flatMap(({ approvalRequest }) => approvalRequest?.deadline ?? []).sort();
      return first === undefined ? [] : [[approvalKind, first] as const];
    })
    .sort(([, a], [, b]) => a.localeCompare(b));
}
