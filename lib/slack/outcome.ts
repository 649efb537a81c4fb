import { type ApproverGroup, UnknownGroupError } from '../approval/approver-group.ts';
import { decideAsRecorded, type PersonsDecision, type Word } from '../approval/decide-by-person.ts';
import { MayNotDecideError } from '../approval/may-decide.ts';
import type { RequestView } from '../approval/request-view.ts';
import { matterOf } from '../approval/standing.ts';
import { replacedIn } from '../approval/words.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import { unreadableText } from '../items/remedy.ts';
import { agrees } from '../policy/decide.ts';
import { extendAsRecorded } from '../revocation/by-person.ts';
import { ContendedError } from '../table/contention.ts';
import { UnreadableItemError } from '../table/item.ts';
import { joined, type Markup, markup } from './boundary.ts';
import { connectedCommandsIn, entryChangeIn, peopleIn, type Showing, standingIn } from './words.ts';

/** What became of a person's word, and how to tell them. */
export interface Outcome {
  /** The request as their word, which is written down, left it. */
  readonly decided?: ConnectionRecord;
  /** The connection, where they extended it, which decides nothing. */
  readonly extended?: ConnectionRecord;
  /** It is decided as they said: neither does it take others too, nor does anything come before their word. */
  readonly isAsSaid: boolean;
  readonly answer: Markup;
}

/** What a person says in Slack: a word that decides, or that a connection is extended. */
export type Saying = Word | ({ readonly decision: 'extend' } & Parameters<typeof extendAsRecorded>[1]);

/** That it is extended, from when it is to be cut as people see it. */
export function extending({ revocation }: ConnectionRecord, by: string, reason?: string): Saying {
  return {
    decision: 'extend',
    by,
    from: revocation?.cutAt ?? '',
    ...(reason !== undefined && { reason }),
  };
}

/** Has it take effect, by the same way as everywhere else. */
export function carryOut(view: RequestView, saying: Saying, deps: Deciding): Promise<Outcome> {
  return saying.decision === 'extend' ? extendIn(view, saying, deps) : decideIn(view, saying, deps);
}

async function extendIn(
  view: RequestView,
  { decision: _, ...said }: Extract<Saying, { decision: 'extend' }>,
  deps: Deciding,
): Promise<Outcome> {
  try {
    const answer = await extendAsRecorded(view.record.endpointId, said, deps);
    if (answer.status === 'unknown') return { isAsSaid: false, answer: unknownRequest };
    if (answer.status === 'not-live')
      return { isAsSaid: false, answer: markup`It is not connected any more.` };
    const { record } = answer;
    if (answer.status === 'not-revoking') return { isAsSaid: false, answer: notExtended(record, view) };
    return {
      extended: record,
      isAsSaid: true,
      answer: joined([markup`You extended it by 14 days.`, standingIn(record, view)]),
    };
  } catch (error) {
    return refused(error, view);
  }
}

function notExtended(record: ConnectionRecord, view: Showing): Markup {
  return joined([
    markup`It was not extended: when it is disconnected has changed since you saw it, or nothing disconnects it any more, or it is extended for a year already.`,
    standingIn(record, view),
  ]);
}

/** @throws what nobody expected */
function refused(error: unknown, view: RequestView): Outcome {
  const answer = refusalOf(error, view);
  if (!answer) throw error;
  return { isAsSaid: false, answer };
}

async function decideIn(view: RequestView, word: Word, deps: Deciding): Promise<Outcome> {
  const { endpointId } = view.record;
  try {
    const result = await decideAsRecorded(endpointId, word, deps);
    if (result.status === 'decided') return decidedNow(result, view);
    const isKnown = result.status === 'not-open' && result.record;
    return { isAsSaid: false, answer: isKnown ? tooLate(isKnown, view) : unknownRequest };
  } catch (error) {
    return refused(error, view);
  }
}

/** @returns undefined where nobody expected the error. */
export function refusalOf(error: unknown, view: RequestView): Markup | undefined {
  if (error instanceof MayNotDecideError) return mayNot(error, view);
  if (error instanceof UnknownGroupError) return markup`${error.message}`;
  if (error instanceof ContendedError)
    return markup`Others changed this at the same moment, and nothing was decided. Try again.`;
  return undefined;
}

/** That nothing was done since linkgate cannot read an item; undefined where something else broke. */
export function unreadableIn(error: unknown): Markup | undefined {
  return error instanceof UnreadableItemError
    ? markup`Nothing was done: ${unreadableText(error)}`
    : undefined;
}

function mayNot({ why, group, message }: MayNotDecideError, view: RequestView): Markup {
  switch (why) {
    case 'not-an-approver':
      return notAnApprover(group);
    case 'api-only':
      return joined([markup`The group ${group.name} decides by the command line:`, ...commandsOf(view)]);
    case 'owner':
      return markup`You own the account that asks, so somebody else has to approve it: ${peopleIn(group)}.`;
    case 'no-ticket':
      return markup`${message}.`;
    default:
      return why satisfies never;
  }
}

export function notAnApprover(group: ApproverGroup): Markup {
  return markup`You may not decide this. Those who may: ${peopleIn(group)}.`;
}

export const unknownRequest = markup`linkgate knows no such request.`;

export function tooLate(record: ConnectionRecord, view: Showing): Markup {
  return joined([markup`Too late: it is no longer open.`, standingIn(record, view)]);
}

function decidedNow(
  { approval, record }: Extract<PersonsDecision, { status: 'decided' }>,
  view: RequestView,
): Outcome {
  const { by, at, decision } = approval;
  const kept = record.approvals?.words.find((word) => word.by === by) ?? approval;
  const isNew = decision === 'deny' || kept.at === at;
  const said = sentences[matterOf(view.record) === 'request' ? 'request' : 'connected'][decision];
  const change = entryChangeIn(record, view.service.name);
  const replaced = change.length > 0 ? replacedIn(view.entries) : [];
  return {
    decided: record,
    isAsSaid: record.verdict !== undefined && agrees(record.verdict, approval),
    answer: joined([
      isNew ? said : 'You have approved it already.',
      standingIn(record, view),
      ...change,
      ...replaced,
    ]),
  };
}

const sentences = {
  request: { approve: 'You approved it.', deny: 'You denied it.' },
  connected: { approve: 'You said that it stays connected.', deny: 'You said that it is disconnected now.' },
} as const;

function commandsOf(view: RequestView): Markup[] {
  const { endpointId } = view.record;
  return matterOf(view.record) === 'request'
    ? [markup`\`linkgate approve ${endpointId}\` or \`linkgate deny ${endpointId} --reason "…"\`.`]
    : connectedCommandsIn(view);
}

/** The way that is left where Slack's buttons and forms fail. */
export function commandsInstead(view: RequestView): Markup {
  const { endpointId } = view.record;
  return matterOf(view.record) === 'request'
    ? markup`type \`/linkgate approve ${endpointId}\` or \`/linkgate deny ${endpointId} &lt;reason&gt;\`.`
    : joined(['use the command line:', ...connectedCommandsIn(view)]);
}

/** Only requests are approved and denied. */
export function connectedInstead(view: RequestView): Markup {
  return joined([
    markup`${view.record.endpointId} is connected, and only requests are approved or denied. Use the buttons of its message, or the command line:`,
    ...connectedCommandsIn(view),
  ]);
}
