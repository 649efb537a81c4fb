import { type Secret, verifyWithSecret } from '../../runtime/secret.ts';
import { actionIds } from './actions.ts';
import { unreadableErrorText } from './decision-result.ts';
import { digestModalCallbackId, handleDigestAction, handleDigestSubmission } from './digest-actions.ts';
import { type BlockAction, type Interaction, parseInteraction, type ViewSubmission } from './interaction.ts';
import { type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';
import {
  handleRequestAction,
  handleRequestSubmission,
  type InteractionDeps,
  showMessageModal,
  type ViewSubmissionResponse,
} from './request-actions.ts';
import { requestModalCallbackId } from './request-modal.ts';
import type { Respond } from './respond.ts';
import { parseSignature, type SignedRequest, verifySignature } from './signature.ts';
import { handleSlashCommand } from './slash-command.ts';

export interface HandleSlackRequestDeps extends InteractionDeps {
  readonly signingSecret: Secret;
  readonly respond: Respond;
}

export interface SlackRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The received bytes. */
  readonly body: Buffer;
}

export interface HttpResponse {
  readonly statusCode: 200 | 400 | 401;
  /** Absent for an empty response body. */
  readonly json?: object;
}

/** Handles one request of Slack. Verifies the signature before it parses the body. */
export async function handleSlackRequest(
  { headers, body }: SlackRequest,
  deps: HandleSlackRequestDeps,
): Promise<HttpResponse> {
  const signedRequest = parseSignature(headers, body, deps.now());
  if (!signedRequest || !(await isSignedBySlack(signedRequest, deps))) return { statusCode: 401 };
  const interaction = parseInteraction(body);
  if (!interaction) return { statusCode: 400 };
  const json = await dispatchInteraction(interaction, deps).catch((error: unknown) => {
    deps.reportError(error, 'handle Slack request');
    return replyToError(interaction, error, deps);
  });
  return { statusCode: 200, ...(json && { json }) };
}

/** @returns false if the secret is unreadable */
async function isSignedBySlack(
  proof: SignedRequest,
  { signingSecret, reportError }: HandleSlackRequestDeps,
): Promise<boolean> {
  try {
    return (
      (await verifyWithSecret(signingSecret, (secrets) => verifySignature(secrets, proof) || undefined)) ??
      false
    );
  } catch (error) {
    reportError(error, 'verify Slack signature');
    return false;
  }
}

async function dispatchInteraction(
  interaction: Interaction,
  deps: HandleSlackRequestDeps,
): Promise<object | undefined> {
  switch (interaction.kind) {
    case 'click':
      return respondToAction(interaction, await handleBlockAction(interaction, deps), deps);
    case 'submission':
      return handleViewSubmission(interaction, deps);
    case 'command':
      return {
        response_type: 'ephemeral',
        ...(await handleSlashCommand(interaction.text, interaction.actor, deps)),
      };
    case 'other':
      return undefined;
    default:
      return interaction satisfies never;
  }
}

async function handleBlockAction(
  click: BlockAction,
  deps: HandleSlackRequestDeps,
): Promise<Markup | undefined> {
  // Slack sends the value of the select again with the click on the button.
  if (click.actionId === actionIds.expiry) return undefined;
  const isDigestAction = click.actionId.startsWith(actionIds.digestPrefix);
  return isDigestAction ? handleDigestAction(click, deps) : handleRequestAction(click, deps);
}

async function handleViewSubmission(
  submission: ViewSubmission,
  deps: HandleSlackRequestDeps,
): Promise<ViewSubmissionResponse> {
  if (submission.callbackId === requestModalCallbackId) return handleRequestSubmission(submission, deps);
  if (submission.callbackId === digestModalCallbackId) return handleDigestSubmission(submission, deps);
  return showMessageModal(markup`linkgate does not know this form.`);
}

async function respondToAction(
  click: BlockAction,
  answer: Markup | undefined,
  { respond }: HandleSlackRequestDeps,
): Promise<undefined> {
  if (answer && click.responseUrl !== undefined)
    await respond(click.responseUrl, { text: truncate(slackLimits.text, answer) });
}

/** Builds the reply after an unexpected error. A retry is safe. */
async function replyToError(
  interaction: Interaction,
  error: unknown,
  deps: HandleSlackRequestDeps,
): Promise<object | undefined> {
  const unreadableText = unreadableErrorText(error);
  const replyText =
    unreadableText ??
    markup`linkgate failed, and its log has the error. Try again: recorded decisions stay valid. \`linkgate explain &lt;vpce-…&gt;\` shows the commands that work without Slack.`;
  if (interaction.kind === 'click') return respondToAction(interaction, replyText, deps);
  if (interaction.kind === 'submission')
    return showMessageModal(replyText, unreadableText ? 'Not decided' : 'Try again');
  return { response_type: 'ephemeral', text: truncate(slackLimits.text, replyText) };
}
