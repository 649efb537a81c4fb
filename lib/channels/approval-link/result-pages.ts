import type { ApprovalView } from '../../approvals/approval-view.ts';
import { connectedLabels } from '../../approvals/connected-commands.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { decidedText, formatTime, selectDecisionVerbs, statusText } from '../../approvals/status-text.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import type { PersonDecision } from '../../connections/person-decision.ts';
import { matchesDecision } from '../../connections/person-decision.ts';
import type { UnreadableItemError } from '../../storage/entity.ts';
import { unreadableText } from '../../storage/item-remedy.ts';
import { type EscapedHtml, escapedHtml, type Page, paragraphs } from './html.ts';
import type { LinkClaims } from './link.ts';

/** What else a person can do. Each page that says no ends with it. */
const otherChannelsText = escapedHtml`Where you are an approver in Slack, its message has buttons. On the command line <code>linkgate connections --waiting</code> shows
what waits.`;

function resultPage(title: string, ...lines: readonly (string | EscapedHtml)[]): Page {
  return { title, body: escapedHtml`<section>${paragraphs(lines)}</section>` };
}

/** Whoever has many mails is told which one this was about. */
function requestReference(record: ConnectionRecord): string {
  return `The ${requestNoun(record)} of account ${record.ownerAccountId}, endpoint ${record.endpointId}.`;
}

function requestNoun(record: ConnectionRecord): 'request' | 'connection' {
  return computeApprovalKind(record) === 'new-connection' ? 'request' : 'connection';
}

export function invalidSignaturePage(): Page {
  return resultPage(
    'This link is not valid',
    'linkgate did not make it, or it was cut or changed on its way. Nothing was decided. Open it whole from the mail that linkgate sent you.',
    otherChannelsText,
  );
}

export function linkExpiredPage({ endpointId, expiresAt }: LinkClaims): Page {
  return resultPage(
    'This link has expired',
    `It was good until ${formatTime(expiresAt)}, and decides nothing any more.`,
    escapedHtml`The request may still be open: <code>linkgate explain ${endpointId}</code> tells.`,
    otherChannelsText,
  );
}

export function unknownRequestPage({ endpointId }: LinkClaims): Page {
  return resultPage(
    'There is nothing to decide here',
    `linkgate no longer looks after the request of ${endpointId}: its service is not registered any more, or the group of its approvers is gone.`,
  );
}

export function outdatedLinkPage(record: ConnectionRecord): Page {
  return resultPage(
    'This link is out of date',
    requestReference(record),
    'People were asked anew after this mail was sent. Nothing was decided; use the links of the newest mail.',
    ...statusText(record),
  );
}

/** @param word this person's, from before. */
export function linkAlreadyUsedPage(record: ConnectionRecord, word: PersonDecision): Page {
  return resultPage(
    'You have answered already',
    requestReference(record),
    `You ${decisionVerbPhrase(record, word)} ${decidedText(word)}. A link works once.`,
    ...statusText(record),
    ...(isAwaitingApproval(record) ? [changeMindText(record)] : []),
  );
}

function changeMindText(record: ConnectionRecord): string {
  return requestNoun(record) === 'request'
    ? 'Until enough others have approved you can change your mind: your link to deny still works.'
    : `Until enough others have kept it you can change your mind: your link to “${connectedLabels.disconnect}” still works.`;
}

export function alreadyDecidedPage(record: ConnectionRecord): Page {
  return resultPage(
    requestNoun(record) === 'request'
      ? 'This request is no longer open'
      : 'This connection is no longer in question',
    requestReference(record),
    ...statusText(record),
    'Nothing was changed through this link.',
  );
}

export function notAnApproverPage({ service, group }: ApprovalView, { address }: LinkClaims): Page {
  return resultPage(
    'You may not decide this',
    `${address} is not among the approvers of ${service.name} any more (group ${group.name}). Nothing was decided.`,
    escapedHtml`<code>linkgate approvers list</code> shows who is.`,
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
      : [escapedHtml`<code>linkgate explain ${endpointId}</code> names the commands.`];
  return resultPage(
    'Decide this on the command line',
    requestReference(record),
    `The group ${group.name} decides by the command line or the API only.`,
    ...commands,
  );
}

export function accountOwnerPage({ record }: ApprovalView): Page {
  return resultPage(
    'Somebody else has to approve this',
    requestNoun(record) === 'request'
      ? `You own account ${record.ownerAccountId}, which asks. Nothing was decided. Your link to deny works.`
      : `You own account ${record.ownerAccountId}, whose connection it is. Nothing was decided. Your link to “${connectedLabels.disconnect}” works.`,
  );
}

export function decidedConcurrentlyPage(): Page {
  return resultPage(
    'Try again',
    'Something changed at the same moment, so your answer was not taken. Open the link again.',
  );
}

export function unreadableItemPage(error: UnreadableItemError): Page {
  return resultPage(
    'Nothing can be decided for now',
    `Nothing was decided: ${unreadableText(error)}.`,
    'Open the link again then.',
  );
}

export function internalErrorPage(): Page {
  return resultPage(
    'linkgate failed',
    'Open the link again after a while: it shows whether your answer was taken. The log of on-approval-link says what broke.',
    otherChannelsText,
  );
}

export function extendedPage(record: ConnectionRecord): Page {
  return resultPage(
    'You extended it by 14 days',
    requestReference(record),
    ...statusText(record),
    escapedHtml`What becomes of it: <code>linkgate explain ${record.endpointId}</code>.`,
  );
}

export function notExtendedPage(record: ConnectionRecord): Page {
  return resultPage(
    'It was not extended',
    requestReference(record),
    'When it is disconnected has changed since this mail was sent, or nothing disconnects it any more, or it is extended for a year already.',
    ...statusText(record),
    otherChannelsText,
  );
}

/** What a person's word did. `isObserving`: linkgate leaves EC2 alone. */
export function decisionRecordedPage(
  { record, approval: word }: { readonly record: ConnectionRecord; readonly approval: PersonDecision },
  { isObserving }: { readonly isObserving: boolean },
): Page {
  const { verdict, pendingEffect, endpointId } = record;
  const isDone = verdict !== undefined && matchesDecision(verdict, word);
  const asked = isObserving
    ? "linkgate's mode is observe: it records the decision and does not change EC2."
    : `EC2 is asked now to ${pendingEffect?.action} it.`;
  // Of what lives, nothing is asked for it to stay.
  const follows = pendingEffect === undefined ? 'It stays connected.' : asked;
  return resultPage(
    `You ${decisionVerbPhrase(record, word)}`,
    requestReference(record),
    `It is recorded as your word ${decidedText(word)}.`,
    ...(isDone ? [follows, ...allowlistChangeLines(record, word)] : statusText(record)),
    ...(word.decision === 'deny'
      ? [
          'AWS tells the owner of the endpoint no reason: tell them, and that they pay for it until they delete it.',
        ]
      : []),
    escapedHtml`What becomes of it: <code>linkgate explain ${endpointId}</code>.`,
  );
}

function decisionVerbPhrase(record: ConnectionRecord, { decision }: PersonDecision): string {
  return selectDecisionVerbs(record)[decision === 'approve' ? 'accept' : 'reject'];
}

/** What became of the account's entry in the allowlist. */
function allowlistChangeLines(
  { ownerAccountId, approvals }: ConnectionRecord,
  word: PersonDecision,
): string[] {
  if (word.decision === 'deny')
    return word.block ? [`Account ${ownerAccountId} is blocked at this service from now on.`] : [];
  const words = approvals?.decisions ?? [word];
  if (words.some(({ allow }) => allow === undefined)) return [];
  const [until] = words.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  return [
    `Account ${ownerAccountId} is allowed at this service ${until ? `until ${formatTime(until)}` : 'for good'}.`,
  ];
}
