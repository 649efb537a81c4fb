import { type ConnectionRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import { asTime, joinStyled, markTimes, type StyledText, styled } from '../values/styled-text.ts';
import type { ApprovalView } from './approval-view.ts';
import { entryText } from './entry-text.ts';
import { ownerAccountText } from './owner-account-text.ts';
import { type ApprovalKind, computeApprovalKind, computeConnectionStatus } from './status.ts';
import { resolutionText, statusLabels } from './status-text.ts';
import { countBy } from './summary.ts';

/** Formats the question to approvers as one sentence. */
export function questionText(view: Pick<ApprovalView, 'record' | 'service' | 'customer'>): StyledText {
  const { record, service } = view;
  const { approvalRequest } = record;
  const account = ownerAccountText(view);
  const target = `your endpoint service ${service.name}`;
  const time = approvalRequest ? styled` on ${asTime(approvalRequest.deadline)}` : '';
  const questions: Readonly<Record<ApprovalKind, StyledText>> = {
    'new-connection': styled`Account ${account} requests a connection to ${target}.`,
    'scheduled-disconnect': styled`linkgate will disconnect account ${account} from ${target}${time}.`,
    'keep-or-disconnect': styled`Account ${account} is connected to ${target}, and no rule allows it.`,
  };
  return questions[computeApprovalKind(record)];
}

/** Lists the attributes of a request as pairs of label and value. */
export function requestFacts(view: ApprovalView): (readonly [label: string, value: StyledText])[] {
  const { record, service } = view;
  const { location, endpointId, endpointRegion, ipAddressType, requestedAt, approvalRequest } = record;
  return [
    ['Service', styled`${service.name} (${service.serviceId}) in ${location.region}`],
    ['Account', styled`${ownerAccountText(view)}`],
    ['Endpoint', styled`${endpointId} in ${endpointRegion ?? location.region}`],
    ...(ipAddressType ? [['IP address type', styled`${ipAddressType}`] as const] : []),
    ['Requested', [asTime(requestedAt)]],
    ...(approvalRequest && isAwaitingApproval(record)
      ? [[deadlineLabel(record), [asTime(approvalRequest.deadline)]] as const]
      : []),
  ];
}

function deadlineLabel(record: ConnectionRecord): string {
  if (computeApprovalKind(record) === 'scheduled-disconnect') return 'Disconnect on';
  return isOverdue(record) ? 'Deadline passed on' : 'Decide before';
}

/** Whether the deadline has passed while the request is open. */
function isOverdue({ approvalRequest }: ConnectionRecord): boolean {
  return approvalRequest?.stage === 'expired';
}

/** Describes the deadline of an open request in a list: `, decide before 28 Nov 2026, 12:00 UTC`. */
export function deadlinePhrase(record: ConnectionRecord): StyledText {
  const { approvalRequest } = record;
  if (!approvalRequest) return [];
  const kind = computeApprovalKind(record);
  const due = isOverdue(record) ? 'overdue since' : 'decide before';
  const phrases: Readonly<Record<ApprovalKind, string>> = {
    'new-connection': due,
    'scheduled-disconnect': 'connected, scheduled disconnect on',
    'keep-or-disconnect': `connected, ${due}`,
  };
  return styled`, ${phrases[kind]} ${asTime(approvalRequest.deadline)}`;
}

/** The heading of the reasons. */
export const reasonHeadings: Readonly<Record<ApprovalKind, string>> = {
  'new-connection': 'Why you are asked',
  'scheduled-disconnect': 'Why linkgate disconnects it',
  'keep-or-disconnect': 'Why you are asked',
};

/** @returns the reasons to ask, each once. Omits findings that accept, and the quorum, which the status text contains. */
export function openReasons({ verdict }: ConnectionRecord): StyledText[] {
  const doubts = (verdict?.findings ?? []).filter(
    ({ rule, outcome }) => rule !== 'quorum' && outcome !== 'accept',
  );
  return [...new Set(doubts.map(({ reason }) => reason))].map(markTimes);
}

/**
 * Describes the entries of the account at the service, and its earlier connections there.
 * @param maxListed the maximum number of listed connections
 */
export function knownAccountText(
  { entries, earlierConnections }: ApprovalView,
  maxListed = Number.POSITIVE_INFINITY,
): StyledText[] {
  const entryLines = entries.map((entry) => styled`${entryText(entry)}`);
  if (earlierConnections.length === 0) return [...entryLines, styled`None that linkgate knows.`];
  const counts = countBy(earlierConnections, (record) =>
    statusLabels[computeConnectionStatus(record).status].toLowerCase(),
  );
  const countText = counts.map(([label, count]) => `${count} ${label}`).join(', ');
  return [
    ...entryLines,
    styled`${earlierConnections.length} ${earlierConnections.length === 1 ? 'endpoint' : 'endpoints'}: ${countText}`,
    ...earlierConnections.slice(0, maxListed).map(earlierConnectionText),
  ];
}

function earlierConnectionText(record: ConnectionRecord): StyledText {
  const { status, resolution } = computeConnectionStatus(record);
  return joinStyled(
    [
      styled`${record.endpointId}, requested on ${asTime(record.requestedAt)}: ${statusLabels[status].toLowerCase()}`,
      ...(resolution ? [resolutionText(record, resolution)] : []),
    ],
    '. ',
  );
}

/** Describes the allowlist change of the decision. An approval allows the account only if every approver chose it. */
export function allowlistChangeText(
  { personDecision, approvals, ownerAccountId, verdict }: ConnectionRecord,
  serviceName: string,
): StyledText[] {
  if (!personDecision) return [];
  if (personDecision.block) return [styled`linkgate blocked account ${ownerAccountId} at ${serviceName}.`];
  const decisions: readonly PersonDecision[] = approvals?.decisions ?? [personDecision];
  // An approval does not remove a block.
  const isAllowed = personDecision.decision === 'approve' && verdict?.outcome !== 'reject';
  if (!isAllowed || !decisions.every(({ allow }) => allow)) return [];
  const [until] = decisions.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  const expiry = until === undefined ? '' : styled` until ${asTime(until)}`;
  return [styled`linkgate added account ${ownerAccountId} to the allowlist of ${serviceName}${expiry}.`];
}
