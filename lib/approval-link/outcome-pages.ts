import type { Approval } from '../approval/approval.ts';
import { connectedLabels } from '../approval/connected.ts';
import type { RequestView } from '../approval/request-view.ts';
import { matterOf } from '../approval/standing.ts';
import { didOf, saidIn, standingIn, when } from '../approval/words.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import { unreadableText } from '../items/remedy.ts';
import { agrees } from '../policy/decide.ts';
import type { UnreadableItemError } from '../table/item.ts';
import type { LinkClaims } from './link.ts';
import { type Markup, markup, type Page, paragraphs } from './page.ts';

/** What else a person can do. Each page that says no ends with it. */
const elsewhere = markup`Where you are an approver in Slack, its message has buttons. On the command line <code>linkgate connections --waiting</code> shows
what waits.`;

function page(title: string, ...lines: readonly (string | Markup)[]): Page {
  return { title, body: markup`<section>${paragraphs(lines)}</section>` };
}

/** Whoever has many mails is told which one this was about. */
function which(record: ConnectionRecord): string {
  return `The ${whatIs(record)} of account ${record.ownerAccountId}, endpoint ${record.endpointId}.`;
}

function whatIs(record: ConnectionRecord): 'request' | 'connection' {
  return matterOf(record) === 'request' ? 'request' : 'connection';
}

export function tampered(): Page {
  return page(
    'This link is not valid',
    'linkgate did not make it, or it was cut or changed on its way. Nothing was decided. Open it whole from the mail that linkgate sent you.',
    elsewhere,
  );
}

export function expired({ endpointId, expiresAt }: LinkClaims): Page {
  return page(
    'This link has expired',
    `It was good until ${when(expiresAt)}, and decides nothing any more.`,
    markup`The request may still be open: <code>linkgate explain ${endpointId}</code> tells.`,
    elsewhere,
  );
}

export function unknown({ endpointId }: LinkClaims): Page {
  return page(
    'There is nothing to decide here',
    `linkgate no longer looks after the request of ${endpointId}: its service is not registered any more, or the group of its approvers is gone.`,
  );
}

export function superseded(record: ConnectionRecord): Page {
  return page(
    'This link is out of date',
    which(record),
    'People were asked anew after this mail was sent. Nothing was decided; use the links of the newest mail.',
    ...standingIn(record),
  );
}

/** @param word this person's, from before. */
export function used(record: ConnectionRecord, word: Approval): Page {
  return page(
    'You have answered already',
    which(record),
    `You ${didBy(record, word)} ${saidIn(word)}. A link works once.`,
    ...standingIn(record),
    ...(isOpen(record) ? [mayChangeMind(record)] : []),
  );
}

function mayChangeMind(record: ConnectionRecord): string {
  return whatIs(record) === 'request'
    ? 'Until enough others have approved you can change your mind: your link to deny still works.'
    : `Until enough others have kept it you can change your mind: your link to “${connectedLabels.disconnect}” still works.`;
}

export function closed(record: ConnectionRecord): Page {
  return page(
    whatIs(record) === 'request'
      ? 'This request is no longer open'
      : 'This connection is no longer in question',
    which(record),
    ...standingIn(record),
    'Nothing was changed through this link.',
  );
}

export function notAnApprover({ service, group }: RequestView, { address }: LinkClaims): Page {
  return page(
    'You may not decide this',
    `${address} is not among the approvers of ${service.name} any more (group ${group.name}). Nothing was decided.`,
    markup`<code>linkgate approvers list</code> shows who is.`,
  );
}

export function apiOnly({ record, group }: RequestView): Page {
  const { endpointId } = record;
  const commands =
    whatIs(record) === 'request'
      ? [
          markup`<code>linkgate approve ${endpointId}</code>`,
          markup`<code>linkgate deny ${endpointId} --reason "…"</code>`,
        ]
      : [markup`<code>linkgate explain ${endpointId}</code> names the commands.`];
  return page(
    'Decide this on the command line',
    which(record),
    `The group ${group.name} decides by the command line or the API only.`,
    ...commands,
  );
}

export function owner({ record }: RequestView): Page {
  return page(
    'Somebody else has to approve this',
    whatIs(record) === 'request'
      ? `You own account ${record.ownerAccountId}, which asks. Nothing was decided. Your link to deny works.`
      : `You own account ${record.ownerAccountId}, whose connection it is. Nothing was decided. Your link to “${connectedLabels.disconnect}” works.`,
  );
}

export function overtaken(): Page {
  return page(
    'Try again',
    'Something changed at the same moment, so your answer was not taken. Open the link again.',
  );
}

export function unreadable(error: UnreadableItemError): Page {
  return page(
    'Nothing can be decided for now',
    `Nothing was decided: ${unreadableText(error)}.`,
    'Open the link again then.',
  );
}

export function broken(): Page {
  return page(
    'linkgate failed',
    'Open the link again after a while: it shows whether your answer was taken. The log of on-approval-link says what broke.',
    elsewhere,
  );
}

export function extended(record: ConnectionRecord): Page {
  return page(
    'You extended it by 14 days',
    which(record),
    ...standingIn(record),
    markup`What becomes of it: <code>linkgate explain ${record.endpointId}</code>.`,
  );
}

export function notExtended(record: ConnectionRecord): Page {
  return page(
    'It was not extended',
    which(record),
    'When it is disconnected has changed since this mail was sent, or nothing disconnects it any more, or it is extended for a year already.',
    ...standingIn(record),
    elsewhere,
  );
}

/** What a person's word did. `isObserving`: linkgate leaves EC2 alone. */
export function decided(
  { record, approval: word }: { readonly record: ConnectionRecord; readonly approval: Approval },
  { isObserving }: { readonly isObserving: boolean },
): Page {
  const { verdict, effect, endpointId } = record;
  const isDone = verdict !== undefined && agrees(verdict, word);
  const asked = isObserving
    ? "linkgate's mode is observe: the decision is recorded, and EC2 is left as it is."
    : `EC2 is asked now to ${effect?.action} it.`;
  // Of what lives, nothing is asked for it to stay.
  const follows = effect === undefined ? 'It stays connected.' : asked;
  return page(
    `You ${didBy(record, word)}`,
    which(record),
    `It is recorded as your word ${saidIn(word)}.`,
    ...(isDone ? [follows, ...listed(record, word)] : standingIn(record)),
    ...(word.decision === 'deny'
      ? [
          'AWS tells the owner of the endpoint no reason: tell them, and that they pay for it until they delete it.',
        ]
      : []),
    markup`What becomes of it: <code>linkgate explain ${endpointId}</code>.`,
  );
}

function didBy(record: ConnectionRecord, { decision }: Approval): string {
  return didOf(record)[decision === 'approve' ? 'accept' : 'reject'];
}

/** What became of the account's entry in the allowlist. */
function listed({ ownerAccountId, approvals }: ConnectionRecord, word: Approval): string[] {
  if (word.decision === 'deny')
    return word.block ? [`Account ${ownerAccountId} is blocked at this service from now on.`] : [];
  const words = approvals?.words ?? [word];
  if (words.some(({ allow }) => allow === undefined)) return [];
  const [until] = words.flatMap(({ allow }) => allow?.expiresAt ?? []).sort();
  return [
    `Account ${ownerAccountId} is allowed at this service ${until ? `until ${when(until)}` : 'for good'}.`,
  ];
}
