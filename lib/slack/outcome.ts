import { type ApproverGroup, UnknownGroupError } from '../approval/approver-group.ts';
import { decideAsRecorded, type PersonsDecision, type Word } from '../approval/decide-by-person.ts';
import { MayNotDecideError } from '../approval/may-decide.ts';
import type { RequestView } from '../approval/request-view.ts';
import { replacedIn } from '../approval/words.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import { agrees } from '../policy/decide.ts';
import { ContendedError } from '../table/contention.ts';
import { joined, type Markup, markup } from './boundary.ts';
import { entryChangeIn, peopleIn, type Showing, standingIn } from './words.ts';

/** What became of a person's word, and how to tell them. */
export interface Outcome {
  /** The request as their word, which is written down, left it. */
  readonly decided?: ConnectionRecord;
  /** It is decided as they said: neither does it take others too, nor does anything come before their word. */
  readonly isAsSaid: boolean;
  readonly answer: Markup;
}

/** Has a person's word decide a request, by the same way as everywhere else. */
export async function decideIn(view: RequestView, word: Word, deps: Deciding): Promise<Outcome> {
  const { endpointId } = view.record;
  try {
    const result = await decideAsRecorded(endpointId, word, deps);
    if (result.status === 'decided') return decidedNow(result, view);
    const isKnown = result.status === 'not-open' && result.record;
    return { isAsSaid: false, answer: isKnown ? tooLate(isKnown, view) : unknownRequest };
  } catch (error) {
    const answer = refusalOf(error, endpointId);
    if (!answer) throw error;
    return { isAsSaid: false, answer };
  }
}

/** @returns undefined where nobody expected the error. */
export function refusalOf(error: unknown, endpointId: string): Markup | undefined {
  if (error instanceof MayNotDecideError) return mayNot(error, endpointId);
  if (error instanceof UnknownGroupError) return markup`${error.message}`;
  if (error instanceof ContendedError)
    return markup`Others changed this at the same moment, and nothing was decided. Try again.`;
  return undefined;
}

function mayNot({ why, group, message }: MayNotDecideError, endpointId: string): Markup {
  switch (why) {
    case 'not-an-approver':
      return notAnApprover(group);
    case 'api-only':
      return markup`The group ${group.name} decides by the command line: \`linkgate approve ${endpointId}\` or \`linkgate deny ${endpointId} --reason "…"\`.`;
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
  const said = decision === 'deny' ? 'You denied it.' : 'You approved it.';
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

/** The way that is left where Slack's buttons and forms fail. */
export function commandsInstead(endpointId: string): Markup {
  return markup`\`/linkgate approve ${endpointId}\` or \`/linkgate deny ${endpointId} &lt;reason&gt;\``;
}
