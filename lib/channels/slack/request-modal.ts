import * as v from 'valibot';
import { actionLabels, describeAction } from '../../approvals/action-text.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import {
  type ApprovalAction,
  type ConnectedAction,
  connectedActions,
  requestActions,
} from '../../approvals/status.ts';
import type { SubmittedDecision } from '../../approvals/submit-decision.ts';
import { OptionalReason, requiredDecisionText } from '../../connections/decision-text.ts';
import { expiryChoices } from './actions.ts';
import { type Block, checkbox, input, type ModalView, modal, section, textInput } from './blocks.ts';
import type { FieldValues } from './interaction.ts';
import { type Markup, markup } from './mrkdwn.ts';
import { writeMrkdwn } from './status-mrkdwn.ts';

export const requestModalCallbackId = 'request';

/** The answers to an open request, and to a connected endpoint that needs a decision. */
export const approvalAnswers = [...requestActions, ...connectedActions] as const;
export type ApprovalAnswer = ApprovalAction;

export function isConnectedAnswer(answer: ApprovalAnswer): answer is ConnectedAction {
  return connectedActions.some((each) => each === answer);
}

/** Maps an answer to the decision that the record stores. An extension is no decision. */
export function toPersonDecision(answer: Exclude<ApprovalAnswer, 'extend'>): SubmittedDecision['decision'] {
  return isDenial(answer) ? 'deny' : 'approve';
}

/** The `private_metadata` of the modal: the click that opened it. */
const RequestModalMetadata = v.object({
  decision: v.picklist(approvalAnswers),
  /** Present if the answer also allows the account. */
  allow: v.exactOptional(v.picklist(expiryChoices)),
  value: v.string(),
  channel: v.string(),
  ts: v.string(),
});
export type RequestModalMetadata = v.InferOutput<typeof RequestModalMetadata>;

export function readRequestModalMetadata(metadata: unknown): RequestModalMetadata | undefined {
  const result = v.safeParse(RequestModalMetadata, metadata);
  return result.success ? result.output : undefined;
}

/** Whether an answer rejects in EC2. It needs a reason. */
export function isDenial(answer: ApprovalAnswer): boolean {
  return answer === 'deny' || answer === 'disconnect';
}

export function reasonInput(answer: ApprovalAnswer): Block {
  return input('Reason', textInput('reason', { isLong: true }), { isOptional: !isDenial(answer) });
}

export function ticketInput(): Block {
  return input('Ticket', textInput('ticket'));
}

/** Renders the modal for the reason and ticket of an answer. */
export function decisionModal(
  { record, service, group }: ApprovalView,
  metadata: RequestModalMetadata,
  now: Date,
): ModalView {
  const { decision } = metadata;
  const label = actionLabels[decision];
  const effect = writeMrkdwn(describeAction(decision, record, now), group);
  const blocks: Block[] = [
    section(markup`*${label}* at ${service.name}: ${effect}`),
    ...(service.requireTicket ? [ticketInput()] : []),
    reasonInput(decision),
    ...(isDenial(decision)
      ? [
          input('Account', checkbox('block', `Block account ${record.ownerAccountId} at ${service.name}`), {
            isOptional: true,
          }),
        ]
      : []),
  ];
  const title = isConnectedAnswer(decision) ? label : `${label} the request`;
  return modal({ title, submit: label, blocks, callbackId: requestModalCallbackId, metadata });
}

const RequiredReason = requiredDecisionText('reason', 'A reason is required');
const RequiredTicket = requiredDecisionText('ticket', 'The service requires a ticket for each decision');

/** Lists the errors of missing or too long inputs, by block id. */
export function missingFields(
  fieldValues: FieldValues,
  { needsReason, needsTicket }: { needsReason: boolean; needsTicket: boolean },
): Record<string, string> {
  const reason = v.safeParse(needsReason ? RequiredReason : OptionalReason, fieldValues.get('reason') ?? '');
  const ticket = v.safeParse(RequiredTicket, fieldValues.get('ticket') ?? '');
  return {
    ...(!reason.success && { reason: reason.issues[0].message }),
    ...((needsTicket || fieldValues.has('ticket')) &&
      !ticket.success && { ticket: ticket.issues[0].message }),
  };
}

/** Renders a modal with a text, which replaces the submitted one. */
export function messageModal(title: string, text: Markup): ModalView {
  return modal({ title, blocks: [section(text)] });
}
