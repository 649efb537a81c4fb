import type { ApprovalView } from '../../approvals/approval-view.ts';
import { connectedLabels } from '../../approvals/connected-actions.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { decidedText, formatTime, selectDecisionVerbs, statusText } from '../../approvals/status-text.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import type { PersonDecision } from '../../connections/person-decision.ts';
import { matchesDecision } from '../../connections/person-decision.ts';
import type { UnreadableItemError } from '../../storage/entity.ts';
import { unreadableText } from '../../storage/item-remedy.ts';
import { type EscapedHtml, escapedHtml, type Page, paragraphs } from './html.ts';
import type { LinkClaims } from './link.ts';

/** The other ways to decide, for the page of a link that does not decide. */
const otherChannelsText = escapedHtml`If you are an approver in Slack, use the buttons of the message there. On the command line, <code>linkgate connections --waiting</code>
lists the open requests.`;

function resultPage(title: string, ...lines: readonly (string | EscapedHtml)[]): Page {
  return { title, body: escapedHtml`<section>${paragraphs(lines)}</section>` };
}

/** Names the request, because an approver may have many e-mails. */
function requestReference(record: ConnectionRecord): string {
  return `The ${requestNoun(record)} of account ${record.ownerAccountId}, endpoint ${record.endpointId}.`;
}

function requestNoun(record: ConnectionRecord): 'request' | 'connection' {
  return computeApprovalKind(record) === 'new-connection' ? 'request' : 'connection';
}

export function invalidSignaturePage(): Page {
  return resultPage(
    'This link is not valid',
    'linkgate did not make this link, or it was shortened or changed on its way. linkgate recorded no decision. Open the complete link from the e-mail.',
    otherChannelsText,
  );
}

export function linkExpiredPage({ endpointId, expiresAt }: LinkClaims): Page {
  return resultPage(
    'This link has expired',
    `It was valid until ${formatTime(expiresAt)}. linkgate recorded no decision.`,
    escapedHtml`The request may still be open. <code>linkgate explain ${endpointId}</code> shows its status.`,
    otherChannelsText,
  );
}

export function unknownRequestPage({ endpointId }: LinkClaims): Page {
  return resultPage(
    'linkgate does not manage this request',
    `linkgate no longer manages the request of ${endpointId}: its service is deregistered, or its approver group was removed.`,
  );
}

export function outdatedLinkPage(record: ConnectionRecord): Page {
  return resultPage(
    'This link is out of date',
    requestReference(record),
    'linkgate sent a new approval request after this e-mail, and recorded no decision. Use the links of the newest e-mail.',
    ...statusText(record),
  );
}

/** @param decision the earlier decision of this approver */
export function linkAlreadyUsedPage(record: ConnectionRecord, decision: PersonDecision): Page {
  return resultPage(
    'You have already decided',
    requestReference(record),
    `You ${decisionVerbPhrase(record, decision)} ${decidedText(decision)}. Each link works once.`,
    ...statusText(record),
    ...(isAwaitingApproval(record) ? [changeMindText(record)] : []),
  );
}

function changeMindText(record: ConnectionRecord): string {
  return requestNoun(record) === 'request'
    ? 'Until enough other people approve, you can still deny it: your link “Deny” works.'
    : `Until enough other people keep it, you can still disconnect it: your link “${connectedLabels.disconnect}” works.`;
}

export function alreadyDecidedPage(record: ConnectionRecord): Page {
  return resultPage(
    requestNoun(record) === 'request'
      ? 'This request is no longer open'
      : 'This connection no longer needs a decision',
    requestReference(record),
    ...statusText(record),
    'This link changed nothing.',
  );
}

export function notAnApproverPage({ service, group }: ApprovalView, { address }: LinkClaims): Page {
  return resultPage(
    'You cannot decide this',
    `${address} is no longer an approver of ${service.name} (group ${group.name}). linkgate recorded no decision.`,
    escapedHtml`<code>linkgate approvers list</code> lists the approvers.`,
  );
}

export function decideInApiOnlyPage({ record, group }: ApprovalView): Page {
  const { endpointId } = record;
  const commands =
    requestNoun(record) === 'request'
      ? [
          escapedHtml`<code>linkgate approve ${endpointId}</code>`,
          escapedHtml`<code>linkgate deny ${endpointId} --reason "…"</code>`,
        ]
      : [escapedHtml`<code>linkgate explain ${endpointId}</code> shows the commands.`];
  return resultPage(
    'Decide this on the command line',
    requestReference(record),
    `The approver group ${group.name} decides only on the command line or through the API.`,
    ...commands,
  );
}

export function accountOwnerPage({ record }: ApprovalView): Page {
  return resultPage(
    'Another approver has to approve this',
    requestNoun(record) === 'request'
      ? `You own account ${record.ownerAccountId}, which requests the connection. linkgate recorded no decision. Your link “Deny” works.`
      : `You own account ${record.ownerAccountId}, which owns the connection. linkgate recorded no decision. Your link “${connectedLabels.disconnect}” works.`,
  );
}

export function decidedConcurrentlyPage(): Page {
  return resultPage(
    'Try again',
    'Somebody changed the request at the same time. linkgate did not record your decision. Open the link again.',
  );
}

export function unreadableItemPage(error: UnreadableItemError): Page {
  return resultPage(
    'linkgate cannot decide at the moment',
    `linkgate recorded no decision: ${unreadableText(error)}.`,
    'Open the link again afterwards.',
  );
}

export function internalErrorPage(): Page {
  return resultPage(
    'linkgate failed',
    'Open the link again in a few minutes: it shows whether linkgate recorded your decision. The log of on-approval-link has the error.',
    otherChannelsText,
  );
}

export function extendedPage(record: ConnectionRecord): Page {
  return resultPage(
    'You extended the connection by 14 days',
    requestReference(record),
    ...statusText(record),
    escapedHtml`To see its status: <code>linkgate explain ${record.endpointId}</code>.`,
  );
}

export function notExtendedPage(record: ConnectionRecord): Page {
  return resultPage(
    'The connection was not extended',
    requestReference(record),
    'Its disconnect time has changed since this e-mail, it is no longer scheduled for disconnect, or its extensions reached the limit of one year.',
    ...statusText(record),
    otherChannelsText,
  );
}

/** Describes the effect of a recorded decision. `isObserving`: the mode is `observe`, and linkgate does not call EC2. */
export function decisionRecordedPage(
  {
    record,
    personDecision: decision,
  }: { readonly record: ConnectionRecord; readonly personDecision: PersonDecision },
  { isObserving }: { readonly isObserving: boolean },
): Page {
  const { verdict, pendingEffect, endpointId } = record;
  const isEffective = verdict !== undefined && matchesDecision(verdict, decision);
  const pendingText = isObserving
    ? "linkgate's mode is observe: it records the decision and does not change EC2."
    : `linkgate now ${pendingEffect?.action}s the connection in EC2.`;
  // A connected endpoint that stays needs no EC2 call.
  const effectText = pendingEffect === undefined ? 'It stays connected.' : pendingText;
  return resultPage(
    `You ${decisionVerbPhrase(record, decision)}`,
    requestReference(record),
    `linkgate recorded your decision ${decidedText(decision)}.`,
    ...(isEffective ? [effectText, ...allowlistChangeLines(record, decision)] : statusText(record)),
    ...(decision.decision === 'deny'
      ? [
          'AWS gives the owner of the endpoint no reason. Notify them, and say that they pay for the endpoint until they delete it.',
        ]
      : []),
    escapedHtml`To see its status: <code>linkgate explain ${endpointId}</code>.`,
  );
}

function decisionVerbPhrase(record: ConnectionRecord, { decision }: PersonDecision): string {
  return selectDecisionVerbs(record)[decision === 'approve' ? 'accept' : 'reject'];
}

/** Describes the change of the account's allowlist entry. */
function allowlistChangeLines(
  { ownerAccountId, approvals }: ConnectionRecord,
  decision: PersonDecision,
): string[] {
  if (decision.decision === 'deny')
    return decision.block ? [`Account ${ownerAccountId} is now blocked at this service.`] : [];
  const decisions = approvals?.decisions ?? [decision];
  if (decisions.some(({ allow }) => allow === undefined)) return [];
  const [until] = decisions.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  return [
    `Account ${ownerAccountId} is allowed at this service ${until ? `until ${formatTime(until)}` : 'permanently'}.`,
  ];
}
