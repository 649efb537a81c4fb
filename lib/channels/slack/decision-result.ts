import type { ApprovalView } from '../../approvals/approval-view.ts';
import { extendStoredConnection } from '../../approvals/decide-connected-by-person.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { replacedEntryText } from '../../approvals/status-text.ts';
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
import {
  allowlistChangeText,
  approverMentions,
  connectedCommandBullets,
  type RenderContext,
  statusMrkdwn,
} from './status-text.ts';

/** What became of a person's word, and how to tell them. */
export interface SlackDecisionResult {
  /** The request as their word, which is written down, left it. */
  readonly decidedRecord?: ConnectionRecord;
  /** The connection, where they extended it, which decides nothing. */
  readonly extendedRecord?: ConnectionRecord;
  /** It is decided as they said: neither does it take others too, nor does anything come before their word. */
  readonly isEffective: boolean;
  readonly replyText: Markup;
}

/** What a person says in Slack: a word that decides, or that a connection is extended. */
export type SubmittedAnswer =
  | SubmittedDecision
  | ({ readonly decision: 'extend' } & Parameters<typeof extendStoredConnection>[1]);

/** That it is extended, from when it is to be cut as people see it. */
export function buildExtension(
  { revocation }: ConnectionRecord,
  by: string,
  reason?: string,
): SubmittedAnswer {
  return {
    decision: 'extend',
    by,
    from: revocation?.disconnectAt ?? '',
    ...(reason !== undefined && { reason }),
  };
}

/** Has it take effect, by the same way as everywhere else. */
export function submitAnswer(
  view: ApprovalView,
  saying: SubmittedAnswer,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  return saying.decision === 'extend'
    ? extendFromSlack(view, saying, deps)
    : submitFromSlack(view, saying, deps);
}

async function extendFromSlack(
  view: ApprovalView,
  { decision: _, ...said }: Extract<SubmittedAnswer, { decision: 'extend' }>,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  try {
    const answer = await extendStoredConnection(view.record.endpointId, said, deps);
    if (answer.status === 'unknown') return { isEffective: false, replyText: unknownRequestText };
    if (answer.status === 'not-connected')
      return { isEffective: false, replyText: markup`It is not connected any more.` };
    const { record } = answer;
    if (answer.status === 'no-scheduled-disconnect')
      return { isEffective: false, replyText: notExtendedText(record, view) };
    return {
      extendedRecord: record,
      isEffective: true,
      replyText: joinMarkup([markup`You extended it by 14 days.`, statusMrkdwn(record, view)]),
    };
  } catch (error) {
    return toErrorResult(error, view);
  }
}

function notExtendedText(record: ConnectionRecord, view: RenderContext): Markup {
  return joinMarkup([
    markup`It was not extended: when it is disconnected has changed since you saw it, or nothing disconnects it any more, or it is extended for a year already.`,
    statusMrkdwn(record, view),
  ]);
}

/** @throws what nobody expected */
function toErrorResult(error: unknown, view: ApprovalView): SlackDecisionResult {
  const answer = decisionErrorText(error, view);
  if (!answer) throw error;
  return { isEffective: false, replyText: answer };
}

async function submitFromSlack(
  view: ApprovalView,
  word: SubmittedDecision,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  const { endpointId } = view.record;
  try {
    const result = await submitStoredDecision(endpointId, word, deps);
    if (result.status === 'decided') return buildConfirmation(result, view);
    const isKnown = result.status === 'not-open' && result.record;
    return {
      isEffective: false,
      replyText: isKnown ? alreadyDecidedText(isKnown, view) : unknownRequestText,
    };
  } catch (error) {
    return toErrorResult(error, view);
  }
}

/** @returns undefined where nobody expected the error. */
export function decisionErrorText(error: unknown, view: ApprovalView): Markup | undefined {
  if (error instanceof NotAuthorizedError) return notAuthorizedText(error, view);
  if (error instanceof UnknownGroupError) return markup`${error.message}`;
  if (error instanceof OptimisticLockError)
    return markup`Others changed this at the same moment, and nothing was decided. Try again.`;
  return undefined;
}

/** That nothing was done since linkgate cannot read an item; undefined where something else broke. */
export function unreadableErrorText(error: unknown): Markup | undefined {
  return error instanceof UnreadableItemError
    ? markup`Nothing was done: ${unreadableText(error)}`
    : undefined;
}

function notAuthorizedText({ code, group, message }: NotAuthorizedError, view: ApprovalView): Markup {
  switch (code) {
    case 'not-an-approver':
      return notAnApproverText(group);
    case 'api-only':
      return joinMarkup([
        markup`The group ${group.name} decides by the command line:`,
        ...cliCommandLines(view),
      ]);
    case 'owner':
      return markup`You own the account that asks, so somebody else has to approve it: ${approverMentions(group)}.`;
    case 'no-ticket':
      return markup`${message}.`;
    default:
      return code satisfies never;
  }
}

export function notAnApproverText(group: ApproverGroup): Markup {
  return markup`You may not decide this. Those who may: ${approverMentions(group)}.`;
}

export const unknownRequestText = markup`linkgate knows no such request.`;

export function alreadyDecidedText(record: ConnectionRecord, view: RenderContext): Markup {
  return joinMarkup([markup`Too late: it is no longer open.`, statusMrkdwn(record, view)]);
}

function buildConfirmation(
  { approval, record }: Extract<SubmitResult, { status: 'decided' }>,
  view: ApprovalView,
): SlackDecisionResult {
  const { by, at, decision } = approval;
  const kept = record.approvals?.decisions.find((word) => word.by === by) ?? approval;
  const isNew = decision === 'deny' || kept.at === at;
  const said =
    confirmationSentences[computeApprovalKind(view.record) === 'new-connection' ? 'request' : 'connected'][
      decision
    ];
  const change = allowlistChangeText(record, view.service.name);
  const replaced = change.length > 0 ? replacedEntryText(view.entries) : [];
  return {
    decidedRecord: record,
    isEffective: record.verdict !== undefined && matchesDecision(record.verdict, approval),
    replyText: joinMarkup([
      isNew ? said : 'You have approved it already.',
      statusMrkdwn(record, view),
      ...change,
      ...replaced,
    ]),
  };
}

const confirmationSentences = {
  request: { approve: 'You approved it.', deny: 'You denied it.' },
  connected: { approve: 'You said that it stays connected.', deny: 'You said that it is disconnected now.' },
} as const;

function cliCommandLines(view: ApprovalView): Markup[] {
  const { endpointId } = view.record;
  return computeApprovalKind(view.record) === 'new-connection'
    ? [markup`\`linkgate approve ${endpointId}\` or \`linkgate deny ${endpointId} --reason "…"\`.`]
    : connectedCommandBullets(view);
}

/** The way that is left where Slack's buttons and forms fail. */
export function cliInsteadText(view: ApprovalView): Markup {
  const { endpointId } = view.record;
  return computeApprovalKind(view.record) === 'new-connection'
    ? markup`type \`/linkgate approve ${endpointId}\` or \`/linkgate deny ${endpointId} &lt;reason&gt;\`.`
    : joinMarkup(['use the command line:', ...connectedCommandBullets(view)]);
}

/** Only requests are approved and denied. */
export function connectedInsteadText(view: ApprovalView): Markup {
  return joinMarkup([
    markup`${view.record.endpointId} is connected, and only requests are approved or denied. Use the buttons of its message, or the command line:`,
    ...connectedCommandBullets(view),
  ]);
}
