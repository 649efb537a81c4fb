import type { ApprovalView } from '../../approvals/approval-view.ts';
import { extendAsRecorded } from '../../approvals/decide-connected-by-person.ts';
import { approvalKindOf } from '../../approvals/status.ts';
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
import { joined, type Markup, markup } from './mrkdwn.ts';
import {
  allowlistChangeText,
  approverMentions,
  connectedCommandsIn,
  type RenderContext,
  statusMrkdwn,
} from './status-text.ts';

/** What became of a person's word, and how to tell them. */
export interface SlackDecisionResult {
  /** The request as their word, which is written down, left it. */
  readonly decided?: ConnectionRecord;
  /** The connection, where they extended it, which decides nothing. */
  readonly extended?: ConnectionRecord;
  /** It is decided as they said: neither does it take others too, nor does anything come before their word. */
  readonly isAsSaid: boolean;
  readonly answer: Markup;
}

/** What a person says in Slack: a word that decides, or that a connection is extended. */
export type DecisionOfClick =
  | SubmittedDecision
  | ({ readonly decision: 'extend' } & Parameters<typeof extendAsRecorded>[1]);

/** That it is extended, from when it is to be cut as people see it. */
export function extending({ revocation }: ConnectionRecord, by: string, reason?: string): DecisionOfClick {
  return {
    decision: 'extend',
    by,
    from: revocation?.disconnectAt ?? '',
    ...(reason !== undefined && { reason }),
  };
}

/** Has it take effect, by the same way as everywhere else. */
export function carryOut(
  view: ApprovalView,
  saying: DecisionOfClick,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  return saying.decision === 'extend' ? extendIn(view, saying, deps) : submitFromSlack(view, saying, deps);
}

async function extendIn(
  view: ApprovalView,
  { decision: _, ...said }: Extract<DecisionOfClick, { decision: 'extend' }>,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
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
      answer: joined([markup`You extended it by 14 days.`, statusMrkdwn(record, view)]),
    };
  } catch (error) {
    return refused(error, view);
  }
}

function notExtended(record: ConnectionRecord, view: RenderContext): Markup {
  return joined([
    markup`It was not extended: when it is disconnected has changed since you saw it, or nothing disconnects it any more, or it is extended for a year already.`,
    statusMrkdwn(record, view),
  ]);
}

/** @throws what nobody expected */
function refused(error: unknown, view: ApprovalView): SlackDecisionResult {
  const answer = decisionErrorText(error, view);
  if (!answer) throw error;
  return { isAsSaid: false, answer };
}

async function submitFromSlack(
  view: ApprovalView,
  word: SubmittedDecision,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  const { endpointId } = view.record;
  try {
    const result = await submitStoredDecision(endpointId, word, deps);
    if (result.status === 'decided') return confirmationText(result, view);
    const isKnown = result.status === 'not-open' && result.record;
    return { isAsSaid: false, answer: isKnown ? alreadyDecided(isKnown, view) : unknownRequest };
  } catch (error) {
    return refused(error, view);
  }
}

/** @returns undefined where nobody expected the error. */
export function decisionErrorText(error: unknown, view: ApprovalView): Markup | undefined {
  if (error instanceof NotAuthorizedError) return mayNot(error, view);
  if (error instanceof UnknownGroupError) return markup`${error.message}`;
  if (error instanceof OptimisticLockError)
    return markup`Others changed this at the same moment, and nothing was decided. Try again.`;
  return undefined;
}

/** That nothing was done since linkgate cannot read an item; undefined where something else broke. */
export function unreadableIn(error: unknown): Markup | undefined {
  return error instanceof UnreadableItemError
    ? markup`Nothing was done: ${unreadableText(error)}`
    : undefined;
}

function mayNot({ why, group, message }: NotAuthorizedError, view: ApprovalView): Markup {
  switch (why) {
    case 'not-an-approver':
      return notAnApprover(group);
    case 'api-only':
      return joined([markup`The group ${group.name} decides by the command line:`, ...commandsOf(view)]);
    case 'owner':
      return markup`You own the account that asks, so somebody else has to approve it: ${approverMentions(group)}.`;
    case 'no-ticket':
      return markup`${message}.`;
    default:
      return why satisfies never;
  }
}

export function notAnApprover(group: ApproverGroup): Markup {
  return markup`You may not decide this. Those who may: ${approverMentions(group)}.`;
}

export const unknownRequest = markup`linkgate knows no such request.`;

export function alreadyDecided(record: ConnectionRecord, view: RenderContext): Markup {
  return joined([markup`Too late: it is no longer open.`, statusMrkdwn(record, view)]);
}

function confirmationText(
  { approval, record }: Extract<SubmitResult, { status: 'decided' }>,
  view: ApprovalView,
): SlackDecisionResult {
  const { by, at, decision } = approval;
  const kept = record.approvals?.words.find((word) => word.by === by) ?? approval;
  const isNew = decision === 'deny' || kept.at === at;
  const said =
    sentences[approvalKindOf(view.record) === 'new-connection' ? 'request' : 'connected'][decision];
  const change = allowlistChangeText(record, view.service.name);
  const replaced = change.length > 0 ? replacedEntryText(view.entries) : [];
  return {
    decided: record,
    isAsSaid: record.verdict !== undefined && matchesDecision(record.verdict, approval),
    answer: joined([
      isNew ? said : 'You have approved it already.',
      statusMrkdwn(record, view),
      ...change,
      ...replaced,
    ]),
  };
}

const sentences = {
  request: { approve: 'You approved it.', deny: 'You denied it.' },
  connected: { approve: 'You said that it stays connected.', deny: 'You said that it is disconnected now.' },
} as const;

function commandsOf(view: ApprovalView): Markup[] {
  const { endpointId } = view.record;
  return approvalKindOf(view.record) === 'new-connection'
    ? [markup`\`linkgate approve ${endpointId}\` or \`linkgate deny ${endpointId} --reason "…"\`.`]
    : connectedCommandsIn(view);
}

/** The way that is left where Slack's buttons and forms fail. */
export function useCliInstead(view: ApprovalView): Markup {
  const { endpointId } = view.record;
  return approvalKindOf(view.record) === 'new-connection'
    ? markup`type \`/linkgate approve ${endpointId}\` or \`/linkgate deny ${endpointId} &lt;reason&gt;\`.`
    : joined(['use the command line:', ...connectedCommandsIn(view)]);
}

/** Only requests are approved and denied. */
export function connectedInstead(view: ApprovalView): Markup {
  return joined([
    markup`${view.record.endpointId} is connected, and only requests are approved or denied. Use the buttons of its message, or the command line:`,
    ...connectedCommandsIn(view),
  ]);
}
