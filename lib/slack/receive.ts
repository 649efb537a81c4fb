import { provenBy, type Secret } from '../secret.ts';
import { limits, type Markup, markup, within } from './boundary.ts';
import { clicks } from './buttons.ts';
import { onCommand } from './command.ts';
import { onDigestClick, onDigestSubmission } from './digest-clicks.ts';
import { digestModal } from './digest-modal.ts';
import { type Click, type Interaction, interactionIn, type Submission } from './interaction.ts';
import { unreadableIn } from './outcome.ts';
import {
  type Interacting,
  onRequestClick,
  onRequestSubmission,
  type SubmissionAnswer,
} from './request-clicks.ts';
import { requestModal, told } from './request-modal.ts';
import type { Respond } from './respond.ts';
import { isMadeWith, type Proof, proofIn } from './signature.ts';

export interface Receiving extends Interacting {
  readonly signingSecret: Secret;
  readonly respond: Respond;
}

export interface Received {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The very bytes that came. */
  readonly body: Buffer;
}

export interface Answer {
  readonly statusCode: 200 | 400 | 401;
  /** Slack shows it to the person; nothing where there is nothing to show. */
  readonly json?: object;
}

/** Answers one request of Slack's. Nothing in it is looked at before it has proved to be Slack's. */
export async function receive({ headers, body }: Received, deps: Receiving): Promise<Answer> {
  const proof = proofIn(headers, body, deps.now());
  if (!proof || !(await isSlacks(proof, deps))) return { statusCode: 401 };
  const interaction = interactionIn(body);
  if (!interaction) return { statusCode: 400 };
  try {
    const json = await answerTo(interaction, deps);
    return { statusCode: 200, ...(json && { json }) };
  } catch (error) {
    deps.report(error);
    const json = await sorry(interaction, error, deps);
    return { statusCode: 200, ...(json && { json }) };
  }
}

/** A secret that cannot be read proves nothing. */
async function isSlacks(proof: Proof, { signingSecret, report }: Receiving): Promise<boolean> {
  try {
    return (await provenBy(signingSecret, (secrets) => isMadeWith(secrets, proof) || undefined)) ?? false;
  } catch (error) {
    report(error);
    return false;
  }
}

async function answerTo(interaction: Interaction, deps: Receiving): Promise<object | undefined> {
  switch (interaction.kind) {
    case 'click':
      await tell(interaction, await onClick(interaction, deps), deps);
      return undefined;
    case 'submission':
      return onSubmission(interaction, deps);
    case 'command':
      return { response_type: 'ephemeral', ...(await onCommand(interaction.text, interaction.actor, deps)) };
    case 'other':
      return undefined;
    default:
      return interaction satisfies never;
  }
}

async function onClick(click: Click, deps: Receiving): Promise<Markup | undefined> {
  // Choosing says nothing yet: it comes along with the button.
  if (click.actionId === clicks.expiry) return undefined;
  const isOfDigest = click.actionId === clicks.openDigest || click.actionId.startsWith(clicks.digestPage);
  return isOfDigest ? onDigestClick(click, deps) : onRequestClick(click, deps);
}

async function onSubmission(submission: Submission, deps: Receiving): Promise<SubmissionAnswer> {
  if (submission.callbackId === requestModal) return onRequestSubmission(submission, deps);
  if (submission.callbackId === digestModal) return onDigestSubmission(submission, deps);
  return { response_action: 'update', view: told('Not decided', markup`linkgate does not know this form.`) };
}

async function tell(click: Click, answer: Markup | undefined, { respond }: Receiving): Promise<void> {
  if (answer && click.responseUrl !== undefined)
    await respond(click.responseUrl, { text: within(limits.text, answer) });
}

/** What whoever clicked is told where something broke: what they did may be repeated. */
async function sorry(interaction: Interaction, error: unknown, deps: Receiving): Promise<object | undefined> {
  const unreadable = unreadableIn(error);
  const answer =
    unreadable ??
    markup`Something broke, and linkgate's log says what. Try again: what is decided already stays decided. \`linkgate explain &lt;vpce-…&gt;\` names the commands that work without Slack.`;
  switch (interaction.kind) {
    case 'click':
      await tell(interaction, answer, deps);
      return undefined;
    case 'submission':
      return { response_action: 'update', view: told(unreadable ? 'Not decided' : 'Try again', answer) };
    case 'command':
      return { response_type: 'ephemeral', text: within(limits.text, answer) };
    case 'other':
      return undefined;
    default:
      return interaction satisfies never;
  }
}
