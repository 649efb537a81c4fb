import { type ApproverGroup, UnknownGroupError } from '../approval/approver-group.ts';
import { decideAsRecorded, type PersonsDecision, type Word } from '../approval/decide-by-person.ts';
import { MayNotDecideError } from '../approval/may-decide.ts';
import type { RequestView } from '../approval/request-view.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import { ContendedError } from '../table/contention.ts';
import { joined, type Markup, markup } from './boundary.ts';
import { entryChangeIn, peopleIn, standingIn } from './words.ts';

/** What became of a person's word, and how to tell them. */
export interface Outcome {
  readonly isDecided: boolean;
  readonly answer: Markup;
}

/** Has a person's word decide a request, by the same way as everywhere else. */
export async function decideIn(
  { record, group, service }: RequestView,
  word: Word,
  deps: Deciding,
): Promise<Outcome> {
  if (isSaidAlready(record, word))
    return { isDecided: true, answer: joined(['You have approved it already.', standingIn(record, group)]) };
  try {
    const result = await decideAsRecorded(record.endpointId, word, deps);
    return result.status === 'decided'
      ? { isDecided: true, answer: decidedNow(result, group, service.name) }
      : {
          isDecided: false,
          answer:
            result.status === 'not-open' && result.record ? tooLate(result.record, group) : unknownRequest,
        };
  } catch (error) {
    const answer = refusalOf(error, record.endpointId);
    if (!answer) throw error;
    return { isDecided: false, answer };
  }
}

/** A second click on the same button, while others have yet to approve. */
function isSaidAlready(record: ConnectionRecord, { by, decision, allow }: Word): boolean {
  const before = record.approvals?.words.find((word) => word.by === by);
  if (!isOpen(record) || decision === 'deny' || !before) return false;
  return (before.allow === undefined) === (allow === undefined);
}

/** @returns undefined where nobody expected the error. */
export function refusalOf(error: unknown, endpointId: string): Markup | undefined {
  if (error instanceof MayNotDecideError) return mayNot(error, endpointId);
  if (error instanceof UnknownGroupError) return markup`${error.message}`;
  if (error instanceof ContendedError)
    return markup`Others changed this request at the same moment, and nothing was decided. Try again.`;
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

export function tooLate(record: ConnectionRecord, group: ApproverGroup): Markup {
  return joined([markup`Too late: it is no longer open.`, standingIn(record, group)]);
}

function decidedNow(
  { approval, record }: Extract<PersonsDecision, { status: 'decided' }>,
  group: ApproverGroup,
  serviceName: string,
): Markup {
  const said = approval.decision === 'approve' ? 'You approved it.' : 'You denied it.';
  return joined([said, standingIn(record, group), ...entryChangeIn(record, serviceName)]);
}

/** The way that is left where Slack's buttons and forms fail. */
export function commandsInstead(endpointId: string): Markup {
  return markup`\`/linkgate approve ${endpointId}\` or \`/linkgate deny ${endpointId} &lt;reason&gt;\``;
}
