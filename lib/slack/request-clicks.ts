import * as v from 'valibot';
import { checkApprover } from '../approval/may-decide.ts';
import { type RequestView, requestView } from '../approval/request-view.ts';
import { matterOf } from '../approval/standing.ts';
import { EndpointId } from '../connection/connection.ts';
import { isOpen } from '../connection/connection-record.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import type { View } from './blocks.ts';
import { type Markup, markup } from './boundary.ts';
import { allowanceOf, buttonValue, clicks, endpointIn } from './buttons.ts';
import { type Click, parsed, type Submission, type Typed } from './interaction.ts';
import {
  carryOut,
  commandsInstead,
  extending,
  refusalOf,
  type Saying,
  tooLate,
  unknownRequest,
} from './outcome.ts';
import {
  type Answer,
  askInModal,
  decisionOf,
  isOfConnected,
  type Metadata,
  missingIn,
  readMetadata,
  told,
} from './request-modal.ts';
import type { SlackWebApi } from './web-api.ts';

export interface Interacting extends Deciding {
  readonly slack: Pick<SlackWebApi, 'openView' | 'updateView'>;
}

/** What a modal's submission is answered; nothing closes it. */
export type SubmissionAnswer =
  | { readonly response_action: 'errors'; readonly errors: Readonly<Record<string, string>> }
  | { readonly response_action: 'update'; readonly view: View }
  | undefined;

const answersByClick: ReadonlyMap<string, Answer> = new Map([
  [clicks.approve, 'approve'],
  [clicks.approveAndAllow, 'approve'],
  [clicks.deny, 'deny'],
  [clicks.keep, 'keep'],
  [clicks.extend, 'extend'],
  [clicks.disconnect, 'disconnect'],
]);

/**
 * Decides the request whose button was clicked, or asks in a modal for what is missing.
 * @returns what to tell whoever clicked; undefined where a modal opened.
 */
export async function onRequestClick(click: Click, deps: Interacting): Promise<Markup | undefined> {
  const metadata = metadataOf(click);
  if (!metadata) return markup`linkgate does not know this button.`;
  // Without what was chosen, nobody knows for how long: that is not for good.
  if (click.actionId === clicks.approveAndAllow && metadata.allow === undefined)
    return markup`For how long to allow the account did not come along, and nothing was decided. Choose it beside the button, and click again.`;
  const view = await clickedRequest(metadata, click.actor, deps);
  if ('markup' in view) return view;
  if (!asksInModal(metadata.decision, view))
    return (await carryOut(view, sayingOf(metadata, click, view, deps.now()), deps)).answer;
  try {
    await deps.slack.openView(click.triggerId, askInModal(view, metadata, deps.now()));
    return undefined;
  } catch (error) {
    deps.report(error);
    return markup`The form did not open, and nothing was decided. Click again, or ${commandsInstead(view)}`;
  }
}

/** A denial has a reason, and each decision a ticket where the service wants one; that a connection is extended decides nothing. */
function asksInModal(answer: Answer, { service }: RequestView): boolean {
  if (answer === 'extend') return false;
  return decisionOf(answer) === 'deny' || service.requireTicket === true;
}

/** Decides with what was typed into the modal. */
export async function onRequestSubmission(
  submission: Submission,
  deps: Interacting,
): Promise<SubmissionAnswer> {
  const metadata = readMetadata(parsed(submission.metadata));
  if (!metadata) return instead(unknownRequest);
  const view = await clickedRequest(metadata, submission.actor, deps);
  if ('markup' in view) return instead(view);
  const errors = missingIn(submission.typed, {
    needsReason: metadata.decision !== 'extend' && decisionOf(metadata.decision) === 'deny',
    needsTicket: view.service.requireTicket === true,
  });
  // Tickets are wanted since the modal opened: what was typed into it stays.
  if (errors.ticket !== undefined && !submission.fields.has('ticket'))
    return { response_action: 'update', view: askInModal(view, metadata, deps.now()) };
  if (Object.keys(errors).length > 0) return { response_action: 'errors', errors };
  const { decided, isAsSaid, answer } = await carryOut(
    view,
    sayingOf(metadata, submission, view, deps.now()),
    deps,
  );
  // What was decided shows in the message itself.
  return isAsSaid ? undefined : instead(answer, decided ? 'Your word is recorded' : 'Not decided');
}

function instead(answer: Markup, title = 'Not decided'): SubmissionAnswer {
  return { response_action: 'update', view: told(title, answer) };
}

function metadataOf({ actionId, value, typed, message }: Click): Metadata | undefined {
  const expiry = actionId === clicks.approveAndAllow ? typed.get(clicks.expiry) : undefined;
  const allow = expiry !== undefined && { allow: expiry };
  return readMetadata({ decision: answersByClick.get(actionId), value, ...allow, ...message });
}

/**
 * The request that a button belongs to, if linkgate put that button there for it, and this person may decide it now.
 * @returns why not, to be told, where it is not so.
 */
async function clickedRequest(
  { value, channel, ts, decision }: Metadata,
  actor: string,
  deps: Interacting,
): Promise<RequestView | Markup> {
  const endpointId = endpointIn(value);
  if (!v.is(EndpointId, endpointId)) return unknownRequest;
  const view = await requestView(endpointId, deps, { withHistory: false });
  if (!view) return unknownRequest;
  try {
    // What a ticket is wanted for is asked in the modal.
    checkApprover({ by: actor, decision: decision === 'extend' ? 'approve' : decisionOf(decision) }, view);
  } catch (error) {
    const refusal = refusalOf(error, view);
    if (!refusal) throw error;
    return refusal;
  }
  const { record } = view;
  const shown = record.notice?.slack;
  if (shown?.channel !== channel || shown.ts !== ts || buttonValue(record) !== value)
    return markup`linkgate does not decide by this message: it is not the one that shows the request now. Look for the newest one, or ${commandsInstead(view)}`;
  if (!isOpen(record)) return tooLate(record, view);
  // A button from before an upgrade may have another name than what it would do.
  return isOfConnected(decision) === (matterOf(record) !== 'request')
    ? view
    : markup`This button is out of date, and nothing was decided. Instead, ${commandsInstead(view)}`;
}

function sayingOf(
  { decision: answer, allow }: Metadata,
  { actor, typed }: { readonly actor: string; readonly typed: Typed },
  { record }: RequestView,
  now: Date,
): Saying {
  const [reason, ticket] = [typed.get('reason'), typed.get('ticket')];
  if (answer === 'extend') return extending(record, actor);
  const decision = decisionOf(answer);
  return {
    decision,
    by: actor,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(allow !== undefined && { allow: allowanceOf(allow, now) }),
    ...(decision === 'deny' && typed.has('block') && { block: true as const }),
  };
}
