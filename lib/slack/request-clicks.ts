import * as v from 'valibot';
import type { Word } from '../approval/decide-by-person.ts';
import { checkAuthority } from '../approval/may-decide.ts';
import { type RequestView, requestView } from '../approval/request-view.ts';
import { EndpointId } from '../connection/connection.ts';
import { isOpen } from '../connection/connection-record.ts';
import type { Deciding } from '../connection/decide-connections.ts';
import type { View } from './blocks.ts';
import { type Markup, markup } from './boundary.ts';
import { allowanceOf, buttonValue, clicks, endpointIn } from './buttons.ts';
import { type Click, parsed, type Submission, type Typed } from './interaction.ts';
import { commandsInstead, decideIn, refusalOf, tooLate, unknownRequest } from './outcome.ts';
import { askInModal, type Metadata, missingIn, readMetadata, told } from './request-modal.ts';
import type { SlackWebApi } from './web-api.ts';

export interface Interacting extends Deciding {
  readonly slack: Pick<SlackWebApi, 'openView' | 'updateView'>;
}

/** What a modal's submission is answered; nothing closes it. */
export type SubmissionAnswer =
  | { readonly response_action: 'errors'; readonly errors: Readonly<Record<string, string>> }
  | { readonly response_action: 'update'; readonly view: View }
  | undefined;

const decisions: ReadonlyMap<string, Metadata['decision']> = new Map([
  [clicks.approve, 'approve'],
  [clicks.approveAndAllow, 'approve'],
  [clicks.deny, 'deny'],
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
  if (metadata.decision === 'approve' && !view.service.requireTicket)
    return (await decideIn(view, wordOf(metadata, click, deps.now()), deps)).answer;
  try {
    await deps.slack.openView(click.triggerId, askInModal(view, metadata));
    return undefined;
  } catch (error) {
    deps.report(error);
    return markup`The form did not open, and nothing was decided. Click again, or type ${commandsInstead(view.record.endpointId)}.`;
  }
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
    needsReason: metadata.decision === 'deny',
    needsTicket: view.service.requireTicket === true,
  });
  // Tickets are wanted since the modal opened: what was typed into it stays.
  if (errors.ticket !== undefined && !submission.fields.has('ticket'))
    return { response_action: 'update', view: askInModal(view, metadata) };
  if (Object.keys(errors).length > 0) return { response_action: 'errors', errors };
  const { decided, isAsSaid, answer } = await decideIn(view, wordOf(metadata, submission, deps.now()), deps);
  // What was decided shows in the message itself.
  return isAsSaid ? undefined : instead(answer, decided ? 'Your word is recorded' : 'Not decided');
}

function instead(answer: Markup, title = 'Not decided'): SubmissionAnswer {
  return { response_action: 'update', view: told(title, answer) };
}

function metadataOf({ actionId, value, typed, message }: Click): Metadata | undefined {
  const expiry = actionId === clicks.approveAndAllow ? typed.get(clicks.expiry) : undefined;
  const allow = expiry !== undefined && { allow: expiry };
  return readMetadata({ decision: decisions.get(actionId), value, ...allow, ...message });
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
    checkAuthority({ by: actor, decision, ticket: 'asked for' }, view);
  } catch (error) {
    const refusal = refusalOf(error, endpointId);
    if (!refusal) throw error;
    return refusal;
  }
  const { record } = view;
  const shown = record.notice?.slack;
  if (shown?.channel !== channel || shown.ts !== ts || buttonValue(record) !== value)
    return markup`linkgate does not decide by this message: it is not the one that shows the request now. Look for the newest one, or type ${commandsInstead(endpointId)}.`;
  return isOpen(record) ? view : tooLate(record, view);
}

function wordOf(
  { decision, allow }: Metadata,
  { actor, typed }: { readonly actor: string; readonly typed: Typed },
  now: Date,
): Word {
  const [reason, ticket] = [typed.get('reason'), typed.get('ticket')];
  return {
    decision,
    by: actor,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(allow !== undefined && { allow: allowanceOf(allow, now) }),
    ...(decision === 'deny' && typed.has('block') && { block: true as const }),
  };
}
