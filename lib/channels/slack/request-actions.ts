import * as v from 'valibot';
import { type ApprovalView, approvalView } from '../../approvals/approval-view.ts';
import { approvalKindOf } from '../../approvals/status.ts';
import { isAwaitingApproval } from '../../connections/connection-record.ts';
import { checkApprover } from '../../policy/authorize.ts';
import { EndpointId } from '../../privatelink/connection.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { actionIds, allowDurationOf, buttonValue, endpointIdOf } from './actions.ts';
import type { View } from './blocks.ts';
import {
  alreadyDecided,
  carryOut,
  type DecisionOfClick,
  decisionErrorText,
  extending,
  unknownRequest,
  useCliInstead,
} from './decision-result.ts';
import { type BlockAction, parsed, type SlashCommand, type Submission } from './interaction.ts';
import { type Markup, markup } from './mrkdwn.ts';
import {
  type Answer,
  decisionOf,
  isOfConnected,
  type Metadata,
  messageModal,
  missingFields,
  openDecisionModal,
  readMetadata,
} from './request-modal.ts';
import type { SlackWebApi } from './web-api.ts';

export interface InteractionDeps extends DecideDeps {
  readonly slack: Pick<SlackWebApi, 'openView' | 'updateView'>;
}

/** What a modal's submission is answered; nothing closes it. */
export type ViewSubmissionResponse =
  | { readonly response_action: 'errors'; readonly errors: Readonly<Record<string, string>> }
  | { readonly response_action: 'update'; readonly view: View }
  | undefined;

const answersByClick: ReadonlyMap<string, Answer> = new Map([
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
  const metadata = metadataOf(click);
  if (!metadata) return markup`linkgate does not know this button.`;
  // Without what was chosen, nobody knows for how long: that is not for good.
  if (click.actionId === actionIds.approveAndAllow && metadata.allow === undefined)
    return markup`For how long to allow the account did not come along, and nothing was decided. Choose it beside the button, and click again.`;
  const view = await loadRequest(metadata, click.actor, deps);
  if ('markup' in view) return view;
  if (!asksInModal(metadata.decision, view))
    return (await carryOut(view, sayingOf(metadata, click, view, deps.now()), deps)).answer;
  try {
    await deps.slack.openView(click.triggerId, openDecisionModal(view, metadata, deps.now()));
    return undefined;
  } catch (error) {
    deps.reportError(error);
    return markup`The form did not open, and nothing was decided. Click again, or ${useCliInstead(view)}`;
  }
}

/** A denial has a reason, and each decision a ticket where the service wants one; that a connection is extended decides nothing. */
function asksInModal(answer: Answer, { service }: ApprovalView): boolean {
  if (answer === 'extend') return false;
  return decisionOf(answer) === 'deny' || service.requireTicket === true;
}

/** Decides with what was typed into the modal. */
export async function handleRequestSubmission(
  submission: Submission,
  deps: InteractionDeps,
): Promise<ViewSubmissionResponse> {
  const metadata = readMetadata(parsed(submission.metadata));
  if (!metadata) return instead(unknownRequest);
  const view = await loadRequest(metadata, submission.actor, deps);
  if ('markup' in view) return instead(view);
  const errors = missingFields(submission.typed, {
    needsReason: metadata.decision !== 'extend' && decisionOf(metadata.decision) === 'deny',
    needsTicket: view.service.requireTicket === true,
  });
  // Tickets are wanted since the modal opened: what was typed into it stays.
  if (errors.ticket !== undefined && !submission.fields.has('ticket'))
    return { response_action: 'update', view: openDecisionModal(view, metadata, deps.now()) };
  if (Object.keys(errors).length > 0) return { response_action: 'errors', errors };
  const { decided, isAsSaid, answer } = await carryOut(
    view,
    sayingOf(metadata, submission, view, deps.now()),
    deps,
  );
  // What was decided shows in the message itself.
  return isAsSaid ? undefined : instead(answer, decided ? 'Your word is recorded' : 'Not decided');
}

function instead(answer: Markup, title = 'Not decided'): ViewSubmissionResponse {
  return { response_action: 'update', view: messageModal(title, answer) };
}

function metadataOf({ actionId, value, typed, message }: BlockAction): Metadata | undefined {
  const expiry = actionId === actionIds.approveAndAllow ? typed.get(actionIds.expiry) : undefined;
  const allow = expiry !== undefined && { allow: expiry };
  return readMetadata({ decision: answersByClick.get(actionId), value, ...allow, ...message });
}

/**
 * The request that a button belongs to, if linkgate put that button there for it, and this person may decide it now.
 * @returns why not, to be told, where it is not so.
 */
async function loadRequest(
  { value, channel, ts, decision }: Metadata,
  actor: string,
  deps: InteractionDeps,
): Promise<ApprovalView | Markup> {
  const endpointId = endpointIdOf(value);
  if (!v.is(EndpointId, endpointId)) return unknownRequest;
  const view = await approvalView(endpointId, deps, { withHistory: false });
  if (!view) return unknownRequest;
  try {
    // What a ticket is wanted for is asked in the modal.
    checkApprover({ by: actor, decision: decision === 'extend' ? 'approve' : decisionOf(decision) }, view);
  } catch (error) {
    const refusal = decisionErrorText(error, view);
    if (!refusal) throw error;
    return refusal;
  }
  const { record } = view;
  const shown = record.notice?.slack;
  if (shown?.channel !== channel || shown.ts !== ts || buttonValue(record) !== value)
    return markup`linkgate does not decide by this message: it is not the one that shows the request now. Look for the newest one, or ${useCliInstead(view)}`;
  if (!isAwaitingApproval(record)) return alreadyDecided(record, view);
  // A button from before an upgrade may have another name than what it would do.
  return isOfConnected(decision) === (approvalKindOf(record) !== 'new-connection')
    ? view
    : markup`This button is out of date, and nothing was decided. Instead, ${useCliInstead(view)}`;
}

function sayingOf(
  { decision: answer, allow }: Metadata,
  { actor, typed }: { readonly actor: string; readonly typed: SlashCommand },
  { record }: ApprovalView,
  now: Date,
): DecisionOfClick {
  const [reason, ticket] = [typed.get('reason'), typed.get('ticket')];
  if (answer === 'extend') return extending(record, actor);
  const decision = decisionOf(answer);
  return {
    decision,
    by: actor,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(allow !== undefined && { allow: allowDurationOf(allow, now) }),
    ...(decision === 'deny' && typed.has('block') && { block: true as const }),
  };
}
