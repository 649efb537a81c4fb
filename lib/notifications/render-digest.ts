import { computeDigestHash, type Digest } from '../approvals/digest.ts';
import type { SlackMessage } from '../channels/slack/blocks.ts';
import { digestMessage } from '../channels/slack/digest-message.ts';
import { movedToOtherChannelMessage } from '../channels/slack/moved-message.ts';
import { reminderText } from '../channels/slack/reminder.ts';
import type { SlackMessageId } from '../channels/slack/web-api.ts';
import { isLaterStage } from '../connections/approval-request.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import type { DigestState } from './digest-state.ts';
import type { NotificationRun } from './slack-session.ts';

type DigestDestination = Parameters<NotificationRun['slack']['post']>[0];

/** The attributes of a digest that a rendering changes. */
export interface DigestRenderResult extends Partial<Digest> {
  /** Links the message in the previous channel to the new one. */
  readonly isPreviousUpdated?: boolean;
}

export function isDigestUpToDate(digestState: DigestState): boolean {
  const { digest, records } = digestState;
  return (
    digest.contentHash === computeDigestHash(records) &&
    !digest.previousSlackMessage &&
    !isDigestReminderDue(digestState)
  );
}

function isDigestReminderDue({ digest, stage }: DigestState): boolean {
  return isLaterStage(stage, digest.remindedStage ?? 'approval-requested');
}

/**
 * Posts or updates the message of a digest, and posts a due reminder in its thread.
 * @returns the changes to save, without those that Slack did not accept.
 */
export async function postOrUpdateDigest(
  digestState: DigestState,
  run: NotificationRun,
): Promise<DigestRenderResult> {
  const { digest } = digestState;
  const location = selectDigestDestination(digestState);
  if (!location) return {};
  const message = digestMessageId(digest);
  const isThere = message?.channel === location.channel;
  const renderResult = isThere
    ? await updateDigest(digestState, location, message, run)
    : await postDigest(digestState, location, run);
  const { previousSlackMessage = digest.previousSlackMessage } = renderResult;
  if (!previousSlackMessage) return renderResult;
  const movedMessage = movedToOtherChannelMessage(`${digestState.records.length} requests`, location.channel);
  return (await run.slack.updatePrevious(previousSlackMessage, movedMessage))
    ? { ...renderResult, isPreviousUpdated: true }
    : { ...renderResult, previousSlackMessage };
}

async function postDigest(
  digestState: DigestState,
  location: DigestDestination,
  run: NotificationRun,
): Promise<DigestRenderResult> {
  const { digest, stage } = digestState;
  const message = digestMessageId(digest);
  // A second move waits until Slack updates the first previous message, so that linkgate keeps both.
  if (message && digest.previousSlackMessage && message.channel !== location.channel) return {};
  const posted = await run.slack.post(location, renderDigest(digestState, run));
  if (!posted) return {};
  const hasMoved = message && message.channel !== location.channel;
  return {
    ...posted,
    ...describeRendering(digestState, run),
    remindedStage: stage,
    ...(hasMoved && { previousSlackMessage: message }),
  };
}

async function updateDigest(
  digestState: DigestState,
  location: DigestDestination,
  { ts }: SlackMessageId,
  run: NotificationRun,
): Promise<DigestRenderResult> {
  const { stage, records } = digestState;
  const renderedMessage = renderDigest(digestState, run);
  const outcome = await run.slack.update(location, ts, renderedMessage);
  if (outcome === undefined) return {};
  const rendering = describeRendering(digestState, run);
  if (outcome === 'updated') {
    if (!isDigestReminderDue(digestState)) return rendering;
    return (await postDigestReminder(digestState, location, ts, run))
      ? { ...rendering, remindedStage: stage }
      : rendering;
  }
  // A reminder below an outdated message would mislead, so linkgate posts a new message.
  if (isDigestReminderDue(digestState)) return postDigest(digestState, location, run);
  if (outcome === 'deleted' || records.some(isAwaitingApproval)) return rendering;
  return (await run.slack.post(location, { text: renderedMessage.text, threadTs: ts })) ? rendering : {};
}

function renderDigest(
  { digest: { id }, group, records, services, customers }: DigestState,
  run: NotificationRun,
): SlackMessage {
  if (records.length === 0) return movedToOtherChannelMessage('These requests');
  return digestMessage({ id, group, records, services, customers }, run.now());
}

function describeRendering(
  { records }: DigestState,
  run: NotificationRun,
): Pick<DigestRenderResult, 'contentHash' | 'renderedAt'> {
  return { contentHash: computeDigestHash(records), renderedAt: run.now().toISOString() };
}

/** Posts a reminder in the thread, once per stage for all members. */
async function postDigestReminder(
  { digest: { id }, group, records, services, escalation }: DigestState,
  location: DigestDestination,
  threadTs: string,
  run: NotificationRun,
): Promise<boolean> {
  const text = reminderText({ id, group, records, services }, escalation, run.now());
  const reply = await run.slack.post(location, { text, threadTs });
  return reply !== undefined;
}

/** Selects the current channel of the group while requests are open. A decided digest keeps its channel. */
export function selectDigestDestination({
  digest,
  group,
  records,
}: DigestState): DigestDestination | undefined {
  const isNew = digest.channel === undefined && records.length > 0;
  const channel =
    isNew || records.some(isAwaitingApproval) ? (group.slackChannel ?? digest.channel) : digest.channel;
  return channel === undefined ? undefined : { group: group.name, channel, target: { digest: digest.id } };
}

function digestMessageId({ channel, ts }: Digest): SlackMessageId | undefined {
  return channel === undefined || ts === undefined ? undefined : { channel, ts };
}
