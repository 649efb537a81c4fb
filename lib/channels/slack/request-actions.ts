import * as v from 'valibot';
import { type ApprovalView, loadApprovalView } from '../../approvals/approval-view.ts';
import { requestTarget } from '../../approvals/digest.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { adoptClickedMessage } from '../../outbox/adopt-message.ts';
import { requireApprover } from '../../policy/authorize.ts';
import { EndpointId } from '../../privatelink/connection.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { orReported } from '../../runtime/runtime.ts';
import { actionIds, buttonValue, parseAllowDuration, parseButtonEndpointId } from './actions.ts';
import type { ModalView } from './blocks.ts';
import {
  alreadyDecidedText,
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
  isDenial,
  messageModal,
  missingFields,
  type RequestModalMetadata,
  readRequestModalMetadata,
  toPersonDecision,
} from './request-modal.ts';
import type { SlackWebApi } from './web-api.ts';

export interface InteractionDeps extends DecideDeps {
  readonly slack: Pick<SlackWebApi, 'openView'>;
}

/** The response to a `view_submission`; undefined closes the modal. */
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
 * Submits the answer of a button, or opens a modal for its reason or ticket.
 * @returns the reply to the author of the click; undefined if a modal opens
 */
export async function handleRequestAction(
  click: BlockAction,
  deps: InteractionDeps,
): Promise<Markup | undefined> {
  const metadata = readButtonMetadata(click);
  if (!metadata) return markup`linkgate does not know this button.`;
  // Without the value of the select the duration is unknown. linkgate does not assume a permanent entry.
  if (click.actionId === actionIds.approveAndAllow && metadata.allow === undefined)
    return markup`Slack did not send how long to allow the account. linkgate recorded no decision. Choose the duration beside the button, and click again.`;
  const view = await loadClickedRequest(metadata, click.actor, deps);
  if ('markup' in view) return view;
  if (!needsModal(metadata.decision, view))
    return (await submitAnswer(view, toRequestAnswer(metadata, click, view, deps.now()), deps)).replyText;
  return openModal(click, decisionModal(view, metadata, deps.now()), cliInsteadText(view), deps);
}

/** @returns the reply to the author of the click if Slack opens no modal; it ends with another way to decide */
export async function openModal(
  { triggerId }: BlockAction,
  view: ModalView,
  otherWay: Markup,
  { slack, reportError }: InteractionDeps,
): Promise<Markup | undefined> {
  try {
    await slack.openView(triggerId, view);
    return undefined;
  } catch (error) {
    reportError(error, 'open Slack modal');
    return markup`Slack did not open the form. linkgate recorded no decision. Click again, or ${otherWay}`;
  }
}

/** Whether an answer needs a modal: a denial for its reason, a decision for a required ticket. An extension is no decision. */
function needsModal(answer: ApprovalAnswer, { service }: ApprovalView): boolean {
  return answer !== 'extend' && (isDenial(answer) || service.requireTicket === true);
}

/** Submits the answer with the modal's reason and ticket. */
export async function handleRequestSubmission(
  submission: ViewSubmission,
  deps: InteractionDeps,
): Promise<ViewSubmissionResponse> {
  const metadata = readRequestModalMetadata(parseSlackJson(submission.metadata));
  if (!metadata) return showMessageModal(unknownRequestText);
  const view = await loadClickedRequest(metadata, submission.actor, deps);
  if ('markup' in view) return showMessageModal(view);
  const needed = {
    needsReason: isDenial(metadata.decision),
    needsTicket: view.service.requireTicket === true,
  };
  const incomplete = respondToMissingFields(submission, needed, () =>
    decisionModal(view, metadata, deps.now()),
  );
  if (incomplete) return incomplete;
  const { decidedRecord, isEffective, replyText } = await submitAnswer(
    view,
    toRequestAnswer(metadata, submission, view, deps.now()),
    deps,
  );
  // The message itself shows the decision.
  return isEffective
    ? undefined
    : showMessageModal(replyText, decidedRecord ? 'Decision recorded' : 'Not decided');
}

/** @returns the response to a submission with missing or invalid fields */
export function respondToMissingFields(
  { fieldValues, fieldNames }: ViewSubmission,
  needed: Parameters<typeof missingFields>[1],
  renderModal: () => ModalView,
): ViewSubmissionResponse {
  const errors = missingFields(fieldValues, needed);
  // A service has required tickets since the modal opened: the update adds the field and keeps the inputs.
  if (errors.ticket !== undefined && !fieldNames.has('ticket'))
    return { response_action: 'update', view: renderModal() };
  return Object.keys(errors).length > 0 ? { response_action: 'errors', errors } : undefined;
}

export function showMessageModal(text: Markup, title = 'Not decided'): ViewSubmissionResponse {
  return { response_action: 'update', view: messageModal(title, text) };
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
 * Loads the request of a click or a submission.
 * @returns the reason as text if the button is outdated, or the person cannot decide the request now
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
    // The modal asks for a ticket.
    requireApprover(
      { by: actor, decision: decision === 'extend' ? 'approve' : toPersonDecision(decision) },
      view,
    );
  } catch (error) {
    const rejection = decisionErrorText(error, view);
    if (!rejection) throw error;
    return rejection;
  }
  const { record } = view;
  const outdatedText = () =>
    markup`This message is out of date. Use the newest message of the request, or ${cliInsteadText(view)}`;
  if (buttonValue(record) !== value) return outdatedText();
  if (!isAwaitingApproval(record)) return alreadyDecidedText(record, view);
  // A copy whose post was in doubt decides like the known message.
  const isCurrent = await orReported(deps.reportError, 'adopt Slack message', () =>
    adoptClickedMessage(requestTarget(endpointId), { channel, ts }, deps),
  );
  if (isCurrent === false) return outdatedText();
  // Somebody may have accepted the request outside linkgate since the message was rendered.
  return isConnectedAnswer(decision) === (computeApprovalKind(record) !== 'new-connection')
    ? view
    : markup`This button is out of date. linkgate recorded no decision. Instead, ${cliInsteadText(view)}`;
}

/**
 * Builds the answer of a button with the reason and the ticket of its modal. An extension names the disconnect time that the message
 * shows: `extendStoredConnection` checks that it has not changed.
 */
export function toSubmittedAnswer(
  answer: ApprovalAnswer,
  { revocation }: ConnectionRecord,
  { actor: by, fieldValues }: { readonly actor: string; readonly fieldValues: FieldValues },
): SubmittedAnswer {
  const [reason, ticket] = [fieldValues.get('reason'), fieldValues.get('ticket')];
  if (answer === 'extend') return { decision: 'extend', by, from: revocation?.disconnectAt ?? '' };
  return {
    decision: toPersonDecision(answer),
    by,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
  };
}

function toRequestAnswer(
  { decision, allow }: RequestModalMetadata,
  submitted: { readonly actor: string; readonly fieldValues: FieldValues },
  { record }: ApprovalView,
  now: Date,
): SubmittedAnswer {
  const answer = toSubmittedAnswer(decision, record, submitted);
  if (answer.decision === 'extend') return answer;
  return {
    ...answer,
    ...(allow !== undefined && { allow: parseAllowDuration(allow, now) }),
    ...(answer.decision === 'deny' && submitted.fieldValues.has('block') && { block: true as const }),
  };
}
