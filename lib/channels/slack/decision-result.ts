import type { ApprovalView } from '../../approvals/approval-view.ts';
import { extendStoredConnection } from '../../approvals/decide-connected-by-person.ts';
import { replacedEntryText } from '../../approvals/entry-text.ts';
import { allowlistChangeText } from '../../approvals/request-text.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { statusText } from '../../approvals/status-text.ts';
import {
  type SubmitResult,
  type SubmittedDecision,
  submitStoredDecision,
} from '../../approvals/submit-decision.ts';
import { type ApproverGroup, UnknownGroupError } from '../../approvers/approver-group.ts';
import type { ConnectionRecord } from '../../connections/connection-record.ts';
import { matchesDecision } from '../../connections/person-decision.ts';
import { NotAuthorizedError } from '../../policy/authorize.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { UnreadableItemError } from '../../storage/entity.ts';
import { unreadableText } from '../../storage/item-remedy.ts';
import { OptimisticLockError } from '../../storage/optimistic-lock.ts';
import { joinMarkup, type Markup, markup } from './mrkdwn.ts';
import { commandBullets } from './request-message.ts';
import { approverMentions, writeMrkdwnLines } from './status-mrkdwn.ts';

/** The result of a submitted answer, and the reply to its author. */
export interface SlackDecisionResult {
  /** The record with the stored decision. */
  readonly decidedRecord?: ConnectionRecord;
  /** The record with the stored extension. An extension is no decision. */
  readonly extendedRecord?: ConnectionRecord;
  /** Whether the verdict follows the answer: neither a quorum nor a rule with precedence prevents it. */
  readonly isEffective: boolean;
  readonly replyText: Markup;
}

/** An answer from Slack: a decision, or an extension. */
export type SubmittedAnswer =
  | SubmittedDecision
  | ({ readonly decision: 'extend' } & Parameters<typeof extendStoredConnection>[1]);

/**
 * Stores the answer like the API and approval links do.
 * @throws the error if `decisionErrorText` returns undefined
 */
export async function submitAnswer(
  view: ApprovalView,
  answer: SubmittedAnswer,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  try {
    return answer.decision === 'extend'
      ? await extendFromSlack(view, answer, deps)
      : await submitFromSlack(view, answer, deps);
  } catch (error) {
    const replyText = decisionErrorText(error, view);
    if (!replyText) throw error;
    return refusal(replyText);
  }
}

const refusal = (replyText: Markup): SlackDecisionResult => ({ isEffective: false, replyText });

async function extendFromSlack(
  view: ApprovalView,
  { decision: _, ...extension }: Extract<SubmittedAnswer, { decision: 'extend' }>,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  const result = await extendStoredConnection(view.record.endpointId, extension, deps);
  if (result.status === 'unknown') return refusal(unknownRequestText);
  if (result.status === 'not-connected')
    return refusal(markup`linkgate did not extend it: it is no longer connected.`);
  const { record } = result;
  if (result.status === 'no-scheduled-disconnect') return refusal(notExtendedText(record, view));
  return {
    extendedRecord: record,
    isEffective: true,
    replyText: joinMarkup([markup`You extended the connection by 14 days.`, statusMrkdwn(record, view)]),
  };
}

function notExtendedText(record: ConnectionRecord, view: ApprovalView): Markup {
  return joinMarkup([
    markup`linkgate did not extend it. Its disconnect time has changed since this message, it is no longer scheduled for disconnect, or its extensions reached the limit of one year.`,
    statusMrkdwn(record, view),
  ]);
}

async function submitFromSlack(
  view: ApprovalView,
  decision: SubmittedDecision,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  const result = await submitStoredDecision(view.record.endpointId, decision, deps);
  if (result.status === 'decided') return buildConfirmation(result, view);
  const record = result.status === 'not-open' && result.record;
  return refusal(record ? alreadyDecidedText(record, view) : unknownRequestText);
}

/** @returns undefined for an unexpected error */
export function decisionErrorText(error: unknown, view: ApprovalView): Markup | undefined {
  if (error instanceof NotAuthorizedError) return notAuthorizedText(error, view);
  if (error instanceof UnknownGroupError) return markup`${error.message}`;
  if (error instanceof OptimisticLockError)
    return markup`Somebody changed the request at the same time. linkgate recorded no decision. Try again.`;
  return undefined;
}

/** Describes an unreadable table item; undefined for any other error. */
export function unreadableErrorText(error: unknown): Markup | undefined {
  return error instanceof UnreadableItemError
    ? markup`linkgate changed nothing: ${unreadableText(error)}`
    : undefined;
}

function notAuthorizedText({ code, group, message }: NotAuthorizedError, view: ApprovalView): Markup {
  switch (code) {
    case 'not-an-approver':
      return notAnApproverText(group);
    case 'api-only':
      return joinMarkup([
        markup`The approver group ${group.name} decides only on the command line:`,
        commandBullets(view),
      ]);
    case 'owner':
      return markup`You own this account, so another approver has to approve it: ${approverMentions(group)}.`;
    case 'no-ticket':
      return markup`${message}.`;
    default:
      return code satisfies never;
  }
}

export function notAnApproverText(group: ApproverGroup): Markup {
  return markup`You cannot decide this. The approvers are ${approverMentions(group)}.`;
}

export const unknownRequestText = markup`linkgate does not know this request.`;

function statusMrkdwn(record: ConnectionRecord, view: ApprovalView): Markup {
  return writeMrkdwnLines(statusText({ ...view, record }), view.group);
}

export function alreadyDecidedText(record: ConnectionRecord, view: ApprovalView): Markup {
  return joinMarkup([markup`This request is no longer open.`, statusMrkdwn(record, view)]);
}

function buildConfirmation(
  { personDecision, record }: Extract<SubmitResult, { status: 'decided' }>,
  view: ApprovalView,
): SlackDecisionResult {
  const { by, at, decision } = personDecision;
  const storedDecision = record.approvals?.decisions.find((each) => each.by === by) ?? personDecision;
  const isNew = decision === 'deny' || storedDecision.at === at;
  const confirmation =
    confirmationSentences[computeApprovalKind(view.record) === 'new-connection' ? 'request' : 'connected'][
      decision
    ];
  const allowlistChange = allowlistChangeText(record, view.service.name);
  const replacedEntry = allowlistChange.length > 0 ? replacedEntryText(view.entries) : [];
  return {
    decidedRecord: record,
    isEffective: record.verdict !== undefined && matchesDecision(record.verdict, personDecision),
    replyText: joinMarkup([
      isNew ? confirmation : 'You have already approved it.',
      statusMrkdwn(record, view),
      writeMrkdwnLines(allowlistChange, view.group),
      ...replacedEntry,
    ]),
  };
}

const confirmationSentences = {
  request: { approve: 'You approved the request.', deny: 'You denied the request.' },
  connected: { approve: 'You kept the connection.', deny: 'You disconnected the connection.' },
} as const;

/** Lists the commands that replace a failed button or modal. The text ends a sentence. */
export function cliInsteadText(view: ApprovalView): Markup {
  const { endpointId } = view.record;
  return computeApprovalKind(view.record) === 'new-connection'
    ? markup`type \`/linkgate approve ${endpointId}\` or \`/linkgate deny ${endpointId} &lt;reason&gt;\`.`
    : joinMarkup(['use the command line:', commandBullets(view)]);
}

/** Formats the reply to `/linkgate approve` or `deny` for a connected endpoint. */
export function connectedInsteadText(view: ApprovalView): Markup {
  return joinMarkup([
    markup`${view.record.endpointId} is connected. \`approve\` and \`deny\` decide only open requests. Use the buttons of its message, or the command line:`,
    commandBullets(view),
  ]);
}
