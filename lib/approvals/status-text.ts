import { type AllowlistEntry, allServicesScope } from '../allowlist/entry.ts';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import { shellWord } from '../values/shell-word.ts';
import { primaryReason } from '../verdicts/verdict.ts';
import type { ApprovalView } from './approval-view.ts';
import { ownerAccountText } from './owner-account-text.ts';
import {
  type ApprovalKind,
  type ConnectionStatus,
  computeApprovalKind,
  computeConnectionStatus,
} from './status.ts';

const timeFormat = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
});

/** @param time ISO 8601 */
export function formatTime(time: string): string {
  return `${timeFormat.format(new Date(time))} UTC`;
}

/** Formats each ISO 8601 time in a text. */
export function formatTimestamps(text: string, format: (time: string) => string = formatTime): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (time) => format(time));
}

export function actorName(actor: string): string {
  const [, team, user] = /^slack:([^:]*):(.*)$/.exec(actor) ?? [];
  return user === undefined ? actor.replace(/^mailto:/, '') : `${user} (Slack workspace ${team})`;
}

type ResolutionText = NonNullable<ConnectionStatus['resolution']>;

/** Formats the time, the ticket and the reason of a decision. */
export function decidedText({
  at,
  reason,
  ticket,
}: Pick<ResolutionText, 'at' | 'reason' | 'ticket'>): string {
  return `on ${formatTime(at)}${ticket ? ` (ticket ${ticket})` : ''}${reason ? `: “${reason}”` : ''}`;
}

const statusSentences: Readonly<Record<ConnectionStatus['status'], string>> = {
  'awaiting-approval': 'It waits for approval.',
  paused: 'It is on hold, whatever approvers decide',
  accepting: 'Its acceptance is pending; EC2 does not show it connected yet.',
  connected: 'EC2 shows it connected.',
  rejecting: 'Its rejection is pending; EC2 does not show it rejected yet.',
  rejected: 'EC2 shows it rejected.',
  deregistered:
    'Its service was deregistered, so linkgate no longer decides it; EC2 still shows it pending acceptance.',
  deleted: 'The endpoint is deleted.',
  'disconnect-scheduled':
    'It is connected. linkgate disconnects it after its grace period, unless somebody keeps it connected or extends it.',
  'under-review': 'It is connected and stays connected until somebody decides.',
  'review-paused': 'It is connected and stays connected while decisions are on hold',
  kept: 'It stays connected.',
  disconnecting: 'Its disconnect is pending; EC2 does not show it rejected yet.',
  disconnected: 'It was disconnected: EC2 shows it rejected.',
};

/** Describes the status of a request: its resolution, the approvals so far, and the state in EC2. */
export function statusText(record: ConnectionRecord): string[] {
  const { status, resolution, approvals, isExpired } = computeConnectionStatus(record);
  const isUnsettled = unresolvedStatuses.has(status);
  const isOnHold = status === 'paused' || status === 'review-paused';
  const why = isOnHold && record.verdict ? `: ${primaryReason(record.verdict)}.` : '';
  return [
    ...(resolution ? [`${resolutionText(record, resolution)}.`] : []),
    ...(isUnsettled && approvals
      ? [
          `It needs ${approvals.quorum} approvals and has ${approvals.decisions.length}:`,
          ...approvals.decisions.map((decision) => `${actorName(decision.by)}, ${decidedText(decision)}.`),
        ]
      : []),
    statusSentences[status] + why,
    ...(status === 'disconnect-scheduled' ? extensionText(record) : []),
    ...(isUnsettled && isExpired ? ['Nobody decided before the deadline; approvers can still decide.'] : []),
  ];
}

const unresolvedStatuses: ReadonlySet<ConnectionStatus['status']> = new Set([
  'awaiting-approval',
  'paused',
  'disconnect-scheduled',
  'under-review',
  'review-paused',
]);

/** Describes the extension of a scheduled disconnect. */
function extensionText({ extended }: ConnectionRecord): string[] {
  return extended
    ? [`${actorName(extended.by)} extended it until ${formatTime(extended.until)}, ${decidedText(extended)}.`]
    : [];
}

/** Selects the verbs of a decision, which differ between a request and a connected endpoint. */
export function selectDecisionVerbs(record: ConnectionRecord) {
  return computeApprovalKind(record) === 'new-connection'
    ? ({ accept: 'approved it', reject: 'denied it' } as const)
    : ({ accept: 'kept it connected', reject: 'disconnected it' } as const);
}

function resolutionText(record: ConnectionRecord, { by, cause, ...resolution }: ResolutionText): string {
  const outcome = record.verdict?.outcome === 'accept' ? 'accept' : 'reject';
  if (by === 'linkgate')
    return `linkgate decided by policy to ${cause ? 'disconnect' : outcome} it ${decidedText(resolution)}`;
  if (cause) return `${actorName(by)} ${causeText[cause]} ${decidedText(resolution)}`;
  return `${actorName(by)} ${selectDecisionVerbs(record)[outcome]} ${decidedText(resolution)}`;
}

/** Describes the act that caused a disconnect. */
const causeText: Readonly<Record<NonNullable<ResolutionText['cause']>, string>> = {
  policy: 'changed the policy',
  block: 'blocked its account',
  person: 'revoked it',
  service: 'deregistered its service',
};

/** Describes an allowlist entry, even an expired one. */
export function entryText(entry: AllowlistEntry): string {
  const scopeText = entry.serviceId === allServicesScope ? 'at every service' : 'at this service';
  return `Its allowlist entry ${scopeText}: ${entryTermsText(entry)}${entry.note ? ` (“${entry.note}”)` : ''}.`;
}

/** Describes the entry that an approval of the account at the service replaces. An approval does not replace a block. */
export function replacedEntryText(entries: readonly AllowlistEntry[]): string[] {
  const entry = entries.find(({ serviceId }) => serviceId !== allServicesScope) ?? entries[0];
  if (entry?.effect !== 'allow') return [];
  return entry.serviceId === allServicesScope
    ? [`At this service it replaces the entry at every service: ${entryTermsText(entry)}.`]
    : [`It replaces the current entry: ${entryTermsText(entry)}.`];
}

/** Describes the effect and the limits of an entry. */
function entryTermsText({
  effect,
  endpointIds,
  consumerRegions,
  maxEndpoints,
  expiresAt,
}: AllowlistEntry): string {
  return [
    effect,
    ...(endpointIds ? [`for ${endpointCountText(endpointIds.length)} alone`] : []),
    ...(consumerRegions ? [`only in ${consumerRegions.join(', ')}`] : []),
    ...(maxEndpoints !== undefined ? [`at most ${endpointCountText(maxEndpoints)}`] : []),
    ...(expiresAt !== undefined ? [`until ${formatTime(expiresAt)}`] : []),
  ].join(', ');
}

/** Selects the attributes of an entry by the options of `linkgate allow`. */
function selectAllowOptions(entry: AllowlistEntry) {
  const { endpointIds, consumerRegions, maxEndpoints, expiresAt, roles, owners, note } = entry;
  return {
    endpoint: endpointIds ?? [],
    'consumer-region': consumerRegions ?? [],
    'max-endpoints': maxEndpoints === undefined ? [] : [String(maxEndpoints)],
    expires: expiresAt === undefined ? [] : [expiresAt],
    role: roles ?? [],
    owner: owners ?? [],
    note: note === undefined ? [] : [note],
  };
}

type AllowCommandOptions = Readonly<Record<keyof ReturnType<typeof selectAllowOptions>, readonly string[]>>;

/**
 * Builds the command that writes an entry with changed options. It repeats all other options, because `allow` replaces the whole
 * entry.
 */
export function allowCommand(
  entry: AllowlistEntry,
  serviceName: string,
  changed: Partial<AllowCommandOptions>,
): string {
  const options = Object.entries<readonly string[]>({ ...selectAllowOptions(entry), ...changed });
  const optionArguments = options.flatMap(([name, values]) =>
    values.map((value) => `--${name} ${shellWord(value)}`),
  );
  const at = shellWord(entry.serviceId === allServicesScope ? allServicesScope : serviceName);
  return ['linkgate allow', entry.accountId, `--service ${at}`, ...optionArguments].join(' ');
}

function endpointCountText(count: number): string {
  return count === 1 ? '1 endpoint' : `${count} endpoints`;
}

/** Describes an earlier connection of the account. */
export function earlierConnectionText(record: ConnectionRecord): string {
  return `${record.endpointId}, requested on ${formatTime(record.requestedAt)}. ${statusText(record).join(' ')}`;
}

/** Formats the question to approvers as one sentence. */
export function questionText(view: Pick<ApprovalView, 'record' | 'service' | 'customer'>): string {
  const { record, service } = view;
  const { approvalRequest } = record;
  const account = ownerAccountText(view);
  const target = `your endpoint service ${service.name}`;
  const time = approvalRequest ? ` on ${formatTime(approvalRequest.deadline)}` : '';
  const questions: Readonly<Record<ApprovalKind, string>> = {
    'new-connection': `Account ${account} requests a connection to ${target}.`,
    'scheduled-disconnect': `linkgate will disconnect account ${account} from ${target}${time}.`,
    'keep-or-disconnect': `Account ${account} is connected to ${target}, and no rule allows it.`,
  };
  return questions[computeApprovalKind(record)];
}

export function deadlineLabel(record: ConnectionRecord): string {
  if (computeApprovalKind(record) === 'scheduled-disconnect') return 'Disconnect on';
  return isOverdue(record) ? 'Deadline passed on' : 'Decide before';
}

/** Whether the deadline has passed while the request is open. */
export function isOverdue({ approvalRequest }: ConnectionRecord): boolean {
  return approvalRequest?.stage === 'expired';
}

/** Lists the attributes of a request as pairs of label and value. */
export function requestFacts(view: ApprovalView): (readonly [name: string, value: string])[] {
  const { record, service } = view;
  const { location, endpointId, endpointRegion, ipAddressType, requestedAt, approvalRequest } = record;
  return [
    ['Service', `${service.name} (${service.serviceId}) in ${location.region}`],
    ['Account', ownerAccountText(view)],
    ['Endpoint', `${endpointId} in ${endpointRegion ?? location.region}`],
    ['IP address type', ipAddressType ?? 'unknown'],
    ['Requested', formatTime(requestedAt)],
    ...(approvalRequest ? [[deadlineLabel(record), formatTime(approvalRequest.deadline)] as const] : []),
  ];
}

/** The heading of the reasons. */
export const reasonHeadings: Readonly<Record<ApprovalKind, string>> = {
  'new-connection': 'Why you are asked',
  'scheduled-disconnect': 'Why linkgate disconnects it',
  'keep-or-disconnect': 'Why you are asked',
};

/** @returns the reasons to ask, each once. Omits findings that accept, and the quorum, which the status text contains. */
export function openReasons({ verdict }: ConnectionRecord): string[] {
  const doubts = (verdict?.findings ?? []).filter(
    ({ rule, outcome }) => rule !== 'quorum' && outcome !== 'accept',
  );
  return [...new Set(doubts.map(({ reason }) => formatTimestamps(reason)))];
}

/** Describes the effects of approve and deny. */
export const actionExplanations = {
  approve: 'linkgate accepts the endpoint and does not change the allowlist',
  deny: 'linkgate rejects the endpoint; it stays rejected and billed until its owner deletes it and creates a new one',
} as const;

export const noEarlierConnectionsText = 'None that linkgate knows.';

/** Describes the entries and the earlier connections of the account at the service. */
export function knownAccountText({ entries, earlierConnections }: ApprovalView): string[] {
  const accountLines = [...entries.map(entryText), ...earlierConnections.map(earlierConnectionText)];
  return accountLines.length > 0 ? accountLines : [noEarlierConnectionsText];
}
