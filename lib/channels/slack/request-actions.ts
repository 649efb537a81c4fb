import * as v from 'valibot';
import { type ApprovalView, loadApprovalView } from '../../approvals/approval-view.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { isAwaitingApproval } from '../../connections/connection-record.ts';
import { requireApprover } from '../../policy/authorize.ts';
import { EndpointId } from '../../privatelink/connection.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { actionIds, buttonValue, parseAllowDuration, parseButtonEndpointId } from './actions.ts';
import type { ModalView } from './blocks.ts';
import {
  alreadyDecidedText,
  buildExtension,
  cliInsteadText,
  decisionErrorText,
  type SubmittedAnswer,
  submitAnswer,
  unknownRequestText,
} from './decision-result.ts';
import { type BlockAction, type FieldValues, parseSlackJson, type ViewSubmission } from './interaction.ts';
import { type Markup, markup } from './mrkdwn.ts';
import {
  type ApprovalAnswer,
  decisionModal,
  isConnectedAnswer,
  messageModal,
  missingFields,
  type RequestModalMetadata,
  readRequestModalMetadata,
  toPersonDecision,
} from './request-modal.ts';
import type { SlackWebApi } from './web-api.ts';

export interface InteractionDeps extends DecideDeps {
  readonly slack: Pick<SlackWebApi, 'openView' | 'updateView'>;
}

/** What a modal's submission is answered; nothing closes it. */
export type ViewSubmissionResponse =
  | { readonly response_action: 'errors'; readonly errors: Readonly<Record<string, string>> }
  | { readonly response_action: 'update'; readonly view: ModalView }
  | undefined;

const answersByActionId: ReadonlyMap<string, ApprovalAnswer> = new Map([
  [actionIds.approve, 'approve'],
  [actionIds.approveAndAllow, 'approve'],
  [actionIds.deny, 'deny'],
  [actionIds.keep, 'keep'],
  [actionIds.extend, 'extend'],
  [actionIds.disconnect, 'disconnect'],
]);

/**
 * Decides the request whose button was clicked, or asks in a modal for what is missing.
 * @returns what to tell whoever clicked; undefined where a modal opened.
 */
export async function handleRequestAction(
  click: BlockAction,
  deps: InteractionDeps,
): Promise<Markup | undefined> {
  const metadata = readButtonMetadata(click);
  if (!metadata) return markup`linkgate does not know this button.`;
  // Without what was chosen, nobody knows for how long: that is not for good.
  if (click.actionId === actionIds.approveAndAllow && metadata.allow === undefined)
    return markup`For how long to allow the account did not come along, and nothing was decided. Choose it beside the button, and click again.`;
  const view = await loadClickedRequest(metadata, click.actor, deps);
  if ('markup' in view) return view;
  if (!needsModal(metadata.decision, view))
    return (await submitAnswer(view, toRequestAnswer(metadata, click, view, deps.now()), deps)).replyText;
  try {
    await deps.slack.openView(click.triggerId, decisionModal(view, metadata, deps.now()));
    return undefined;
  } catch (error) {
    deps.reportError(error);
    return markup`The form did not open, and nothing was decided. Click again, or ${cliInsteadText(view)}`;
  }
}

/** A denial has a reason, and each decision a ticket where the service wants one; that a connection is extended decides nothing. */
function needsModal(answer: ApprovalAnswer, { service }: ApprovalView): boolean {
  if (answer === 'extend') return false;
  return toPersonDecision(answer) === 'deny' || service.requireTicket === true;
}

/** Decides with what was typed into the modal. */
export async function handleRequestSubmission(
  submission: ViewSubmission,
  deps: InteractionDeps,
): Promise<ViewSubmissionResponse> {
  const metadata = readRequestModalMetadata(parseSlackJson(submission.metadata));
  if (!metadata) return showMessageModal(unknownRequestText);
  const view = await loadClickedRequest(metadata, submission.actor, deps);
  if ('markup' in view) return showMessageModal(view);
  const errors = missingFields(submission.fieldValues, {
    needsReason: metadata.decision !== 'extend' && toPersonDecision(metadata.decision) === 'deny',
    needsTicket: view.service.requireTicket === true,
  });
  // Tickets are wanted since the modal opened: what was typed into it stays.
  if (errors.ticket !== undefined && !submission.fieldNames.has('ticket'))
    return { response_action: 'update', view: decisionModal(view, metadata, deps.now()) };
  if (Object.keys(errors).length > 0) return { response_action: 'errors', errors };
  const { decidedRecord, isEffective, replyText } = await submitAnswer(
    view,
    toRequestAnswer(metadata, submission, view, deps.now()),
    deps,
  );
  // What was decided shows in the message itself.
  return isEffective
    ? undefined
    : showMessageModal(replyText, decidedRecord ? 'Your word is recorded' : 'Not decided');
}

function showMessageModal(answer: Markup, title = 'Not decided'): ViewSubmissionResponse {
  return { response_action: 'update', view: messageModal(title, answer) };
}

function readButtonMetadata({
  actionId,
  value,
  fieldValues,
  message,
}: BlockAction): RequestModalMetadata | undefined {
  const expiry = actionId === actionIds.approveAndAllow ? fieldValues.get(actionIds.expiry) : undefined;
  const allow = expiry !== undefined && { allow: expiry };
  return readRequestModalMetadata({ decision: answersByActionId.get(actionId), value, ...allow, ...message });
}

/**
 * The request that a button belongs to, if linkgate put that button there for it, and this person may decide it now.
 * @returns why not, to be told, where it is not so.
 */
async function loadClickedRequest(
  { value, channel, ts, decision }: RequestModalMetadata,
  actor: string,
  deps: InteractionDeps,
): Promise<ApprovalView | Markup> {
  const endpointId = parseButtonEndpointId(value);
  if (!v.is(EndpointId, endpointId)) return unknownRequestText;
  const view = await loadApprovalView(endpointId, deps, { withHistory: false });
  if (!view) return unknownRequestText;
  try {
    // What a ticket is wanted for is asked in the modal.
    requireApprover(
      { by: actor, decision: decision === 'extend' ? 'approve' : toPersonDecision(decision) },
      view,
    );
  } catch (error) {
    const refusal = decisionErrorText(error, view);
    if (!refusal) throw error;
    return refusal;
  }
  const { record } = view;
  const shown = record.notification?.slackMessage;
  if (shown?.channel !== channel || shown.ts !== ts || buttonValue(record) !== value)
    return markup`linkgate does not decide by this message: it is not the one that shows the request now. Look for the newest one, or ${cliInsteadText(view)}`;
  if (!isAwaitingApproval(record)) return alreadyDecidedText(record, view);
  // A button from before an upgrade may have another name than what it would do.
  return isConnectedAnswer(decision) === (computeApprovalKind(record) !== 'new-connection')
    ? view
    : markup`This button is out of date, and nothing was decided. Instead, ${cliInsteadText(view)}`;
}

function toRequestAnswer(
  { decision: answer, allow }: RequestModalMetadata,
  { actor, fieldValues }: { readonly actor: string; readonly fieldValues: FieldValues },
  { record }: ApprovalView,
  now: Date,
): SubmittedAnswer {
  const [reason, ticket] = [fieldValues.get('reason'), fieldValues.get('ticket')];
  if (answer === 'extend') return buildExtension(record, actor);
  const decision = toPersonDecision(answer);
  return {
    decision,
    by: actor,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(allow !== undefined && { allow: parseAllowDuration(allow, now) }),
    ...(decision === 'deny' && fieldValues.has('block') && { block: true as const }),
  };
}
