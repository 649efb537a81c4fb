import { actionLabels } from '../../approvals/action-text.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import { allowlistChangeText } from '../../approvals/request-text.ts';
import { computeApprovalKind, type StatusContext } from '../../approvals/status.ts';
import { openCommands, statusText } from '../../approvals/status-text.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import type { PersonDecision } from '../../connections/person-decision.ts';
import type { UnreadableItemError } from '../../storage/entity.ts';
import { unreadableText } from '../../storage/item-remedy.ts';
import { asCode, asTime, type StyledText, styled } from '../../values/styled-text.ts';
import { escapedHtml, paragraphs } from './html.ts';
import type { LinkClaims } from './link.ts';
import type { PageResult } from './page-result.ts';

/** The other ways to decide, for the page of a link that does not decide. */
const otherChannelsText = styled`If you are an approver in Slack, use the buttons of the message there. On the command line, ${asCode('linkgate connections --waiting')} lists the open requests.`;

function resultPage(
  outcome: PageResult['outcome'],
  title: string,
  ...lines: readonly (string | StyledText)[]
): PageResult {
  const texts = lines.map((line) => (typeof line === 'string' ? [line] : line));
  return { outcome, page: { title, body: escapedHtml`<section>${paragraphs(texts)}</section>` } };
}

/** Names the request, because an approver may have many e-mails. */
function requestReference({ record }: StatusContext): string {
  return `The ${requestNoun(record)} of account ${record.ownerAccountId}, endpoint ${record.endpointId}.`;
}

function requestNoun(record: ConnectionRecord): 'request' | 'connection' {
  return computeApprovalKind(record) === 'new-connection' ? 'request' : 'connection';
}

function explainHint(endpointId: string): StyledText {
  return styled`To see its status: ${asCode(`linkgate explain ${endpointId}`)}.`;
}

export function invalidSignaturePage(): PageResult {
  return resultPage(
    'invalid-signature',
    'This link is not valid',
    'linkgate did not make this link, or it was shortened or changed on its way. linkgate recorded no decision. Open the complete link from the e-mail.',
    otherChannelsText,
  );
}

export function linkExpiredPage({ endpointId, expiresAt }: LinkClaims): PageResult {
  return resultPage(
    'expired',
    'This link has expired',
    styled`It was valid until ${asTime(expiresAt)}. linkgate recorded no decision. The request may still be open.`,
    explainHint(endpointId),
    otherChannelsText,
  );
}

export function unknownRequestPage({ endpointId }: LinkClaims): PageResult {
  return resultPage(
    'unknown-request',
    'linkgate does not manage this request',
    `linkgate no longer manages the request of ${endpointId}: its service is deregistered, or its approver group was removed.`,
  );
}

export function outdatedLinkPage(context: StatusContext): PageResult {
  return resultPage(
    'outdated-link',
    'This link is out of date',
    requestReference(context),
    'linkgate sent a new approval request after this e-mail, and recorded no decision. Use the links of the newest e-mail.',
    ...statusText(context),
  );
}

/** @param decision the earlier decision of this approver */
export function linkAlreadyUsedPage(context: StatusContext, decision: PersonDecision): PageResult {
  const { record } = context;
  return resultPage(
    'link-already-used',
    'You have already decided',
    requestReference(context),
    `You ${decisionVerbPhrase(record, decision)}. Each link works once.`,
    ...statusText(context),
    ...(isAwaitingApproval(record) ? [changeMindText(record)] : []),
  );
}

function changeMindText(record: ConnectionRecord): string {
  return requestNoun(record) === 'request'
    ? `Until enough other people approve, you can still deny it: your link “${actionLabels.deny}” works.`
    : `Until enough other people keep it, you can still disconnect it: your link “${actionLabels.disconnect}” works.`;
}

export function alreadyDecidedPage(context: StatusContext): PageResult {
  return resultPage(
    'already-decided',
    requestNoun(context.record) === 'request'
      ? 'This request is no longer open'
      : 'This connection no longer needs a decision',
    requestReference(context),
    ...statusText(context),
    'This link changed nothing.',
  );
}

export function notAnApproverPage({ service, group }: ApprovalView, { address }: LinkClaims): PageResult {
  return resultPage(
    'not-an-approver',
    'You cannot decide this',
    `${address} is no longer an approver of ${service.name} (group ${group.name}). linkgate recorded no decision.`,
    styled`${asCode('linkgate approvers list')} lists the approvers.`,
  );
}

export function decideInApiOnlyPage(view: ApprovalView): PageResult {
  return resultPage(
    'api-only',
    'Decide this on the command line',
    requestReference(view),
    `The approver group ${view.group.name} decides only on the command line or through the API.`,
    ...openCommands(view),
  );
}

export function accountOwnerPage({ record }: ApprovalView): PageResult {
  const [verb, action] =
    requestNoun(record) === 'request' ? (['requests', 'deny'] as const) : (['owns', 'disconnect'] as const);
  return resultPage(
    'owner',
    'Another approver has to approve this',
    `You own account ${record.ownerAccountId}, which ${verb} the connection. linkgate recorded no decision. Your link “${actionLabels[action]}” works.`,
  );
}

export function decidedConcurrentlyPage(): PageResult {
  return resultPage(
    'decided-concurrently',
    'Try again',
    'Somebody changed the request at the same time. linkgate did not record your decision. Open the link again.',
  );
}

export function unreadableItemPage(error: UnreadableItemError): PageResult {
  return resultPage(
    'unreadable',
    'linkgate cannot decide at the moment',
    `linkgate recorded no decision: ${unreadableText(error)}.`,
    'Open the link again afterwards.',
  );
}

export function internalErrorPage(): PageResult {
  return resultPage(
    'internal-error',
    'linkgate failed',
    'Open the link again in a few minutes: it shows whether linkgate recorded your decision. The log of on-approval-link has the error.',
    otherChannelsText,
  );
}

export function extendedPage(context: StatusContext): PageResult {
  return resultPage(
    'decided',
    'You extended the connection by 14 days',
    requestReference(context),
    ...statusText(context),
    explainHint(context.record.endpointId),
  );
}

export function notExtendedPage(context: StatusContext): PageResult {
  return resultPage(
    'outdated-link',
    'The connection was not extended',
    requestReference(context),
    'Its disconnect time has changed since this e-mail, it is no longer scheduled for disconnect, or its extensions reached the limit of one year.',
    ...statusText(context),
    otherChannelsText,
  );
}

/** Describes the effect of a recorded decision. */
export function decisionRecordedPage(view: ApprovalView, decision: PersonDecision): PageResult {
  const { record, service } = view;
  return resultPage(
    'decided',
    `You ${decisionVerbPhrase(record, decision)}`,
    requestReference(view),
    ...statusText(view),
    ...allowlistChangeText(record, service.name),
    ...(decision.decision === 'deny'
      ? [
          'AWS gives the owner of the endpoint no reason. Notify them, and say that they pay for the endpoint until they delete it.',
        ]
      : []),
    explainHint(record.endpointId),
  );
}

/** Names a decision, which differs between a request and a connected endpoint. */
function decisionVerbPhrase(record: ConnectionRecord, { decision }: PersonDecision): string {
  if (requestNoun(record) === 'request') return decision === 'approve' ? 'approved it' : 'denied it';
  return decision === 'approve' ? 'kept it connected' : 'disconnected it';
}
