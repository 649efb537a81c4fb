import * as v from 'valibot';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import {
  type ConnectedAction,
  connectedActions,
  connectedLabels,
  describeConnectedAction,
} from '../../approvals/connected-commands.ts';
import type { SubmittedDecision } from '../../approvals/submit-decision.ts';
import { OptionalReason, requiredDecisionText } from '../../connections/person-decision.ts';
import { expiryChoices } from './actions.ts';
import { type Block, checkbox, input, type ModalView, modal, section, textInput } from './blocks.ts';
import type { FieldValues } from './interaction.ts';
import { type Markup, markup } from './mrkdwn.ts';

export const requestModalCallbackId = 'request';

export const approvalAnswers = ['approve', 'deny', ...connectedActions] as const;
/** What people answer: of a request, or of a connection that is in question. */
export type ApprovalAnswer = (typeof approvalAnswers)[number];

/** Whether it is an answer about a connection. */
export function isConnectedAnswer(answer: ApprovalAnswer): answer is ConnectedAction {
  return connectedActions.some((each) => each === answer);
}

export function isApprovalAnswer(chosen: string | undefined): chosen is ApprovalAnswer {
  return approvalAnswers.some((each) => each === chosen);
}

/** The word that it is recorded as; that a connection is extended is none. */
export function toPersonDecision(answer: Exclude<ApprovalAnswer, 'extend'>): SubmittedDecision['decision'] {
  return answer === 'deny' || answer === 'disconnect' ? 'deny' : 'approve';
}

/** What a modal about one request is bound to: the click that opened it. */
const RequestModalMetadata = v.object({
  decision: v.picklist(approvalAnswers),
  /** For how long the account is to be allowed, where it is. */
  allow: v.exactOptional(v.picklist(expiryChoices)),
  value: v.string(),
  channel: v.string(),
  ts: v.string(),
});
export type RequestModalMetadata = v.InferOutput<typeof RequestModalMetadata>;

export function readRequestModalMetadata(sent: unknown): RequestModalMetadata | undefined {
  const result = v.safeParse(RequestModalMetadata, sent);
  return result.success ? result.output : undefined;
}

export function reasonInput(label: string, isOptional: boolean): Block {
  return input(label, textInput('reason', { isLong: true }), { isOptional });
}

export function ticketInput(): Block {
  return input('Ticket', textInput('ticket'));
}

/** Asks for what a decision needs beside the click. */
export function decisionModal(
  { record, service }: ApprovalView,
  metadata: RequestModalMetadata,
  now: Date,
): ModalView {
  const { decision } = metadata;
  const isDenial = decision === 'deny' || decision === 'disconnect';
  const { title, submit } = decisionModalLabels(decision);
  const what = isConnectedAnswer(decision)
    ? describeConnectedAction(decision, record, now)
    : `${record.endpointId} of account ${record.ownerAccountId}.`;
  const blocks: Block[] = [
    section(markup`*${submit}* at ${service.name}: ${what}`),
    ...(service.requireTicket ? [ticketInput()] : []),
    reasonInput('Reason', !isDenial),
  ];
  if (isDenial)
    blocks.push(
      input('Account', checkbox('block', `Block account ${record.ownerAccountId} at ${service.name}`), {
        isOptional: true,
      }),
      section(
        decision === 'deny'
          ? markup`A rejected endpoint stays rejected. The consumer pays for it until they delete it, so tell them; AWS does not tell them why.`
          : markup`AWS does not tell its owner why, so tell them.`,
      ),
    );
  return modal({ title, submit, blocks, callbackId: requestModalCallbackId, metadata });
}

function decisionModalLabels(answer: ApprovalAnswer): { readonly title: string; readonly submit: string } {
  if (isConnectedAnswer(answer)) return { title: connectedLabels[answer], submit: connectedLabels[answer] };
  return answer === 'deny'
    ? { title: 'Deny the request', submit: 'Deny' }
    : { title: 'Approve the request', submit: 'Approve' };
}

const RequiredReason = requiredDecisionText('reason', 'A reason is needed');
const RequiredTicket = requiredDecisionText('ticket', 'The service requires a ticket id with each decision');

/** What is missing in a modal or too long, by the block to say it at. */
export function missingFields(
  typed: FieldValues,
  { needsReason, needsTicket }: { needsReason: boolean; needsTicket: boolean },
): Record<string, string> {
  const reason = v.safeParse(needsReason ? RequiredReason : OptionalReason, typed.get('reason') ?? '');
  const ticket = v.safeParse(RequiredTicket, typed.get('ticket') ?? '');
  return {
    ...(!reason.success && { reason: reason.issues[0].message }),
    ...((needsTicket || typed.has('ticket')) && !ticket.success && { ticket: ticket.issues[0].message }),
  };
}

/** A modal that tells what happened, in place of the one that was submitted. */
export function messageModal(title: string, text: Markup): ModalView {
  return modal({ title, blocks: [section(text)] });
}
