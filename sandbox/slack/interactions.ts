import * as v from 'valibot';
import type { Reply } from './app-requests.ts';
import type { Block } from './blocks.ts';
import { readInputState, requireInputs, validationErrors } from './inputs.ts';
import type { Message, Messages } from './messages.ts';
import {
  actionPayload,
  blockActions,
  type ClickedElement,
  listActions,
  slashCommand,
  viewPayload,
  viewSubmission,
} from './payloads.ts';
import { BlockError, readView } from './read-blocks.ts';
import type { ResponseUrls } from './response-urls.ts';
import { SlackApiError } from './slack-error.ts';
import type { OpenView, Views } from './views.ts';

const UnknownRecord = v.record(v.string(), v.unknown());
const person = { user: v.string(), team: v.string() };

export const Click = v.object({
  ...person,
  channel: v.string(),
  ts: v.string(),
  action_id: v.string(),
  block_id: v.optional(v.string()),
  /** The value of the chosen option, or of the button among those of one name. */
  value: v.optional(v.string()),
  /** The changed inputs beside the clicked element. */
  state: v.optional(UnknownRecord),
  /** The values to submit if a modal opens. */
  view_values: v.optional(UnknownRecord),
});
type Click = v.InferOutput<typeof Click>;

export const Submission = v.object({
  ...person,
  view_id: v.string(),
  view_values: v.optional(UnknownRecord, {}),
});
type Submission = v.InferOutput<typeof Submission>;

export const Command = v.object({ ...person, channel: v.string(), text: v.optional(v.string(), '') });
type Command = v.InferOutput<typeof Command>;

/** The result that Slack shows to the user. */
export interface InteractionResult {
  /** The HTTP status of linkgate's last response. */
  readonly status?: number;
  /** Slack's error if linkgate's response is not valid. */
  readonly error?: string;
  readonly ephemeral?: readonly Message[];
  /** The open modal. */
  readonly modal?: object;
  /** Validation errors of the modal's inputs, by `block_id`. */
  readonly errors?: Readonly<Record<string, string>>;
  /** Whether the modal closed. */
  readonly closed?: true;
}

/** The element to click does not exist. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
  /** The existing elements. */
  readonly existing: readonly unknown[];

  constructor(problem: string, existing: readonly unknown[] = []) {
    super(problem);
    this.existing = existing;
  }
}

export interface InteractionOptions {
  readonly messages: Messages;
  readonly views: Views;
  readonly responseUrls: ResponseUrls;
  /** Sends the app a signed form. */
  readonly send: (fields: Readonly<Record<string, string>>) => Promise<Reply>;
}

/** Actions of people in Slack: linkgate gets Slack's requests, and people see Slack's result. */
export function createInteractions({ messages, views, responseUrls, send }: InteractionOptions) {
  const sendPayload = (payload: object) => send({ payload: JSON.stringify(payload) });

  async function click(click: Click): Promise<InteractionResult> {
    const { user, team, channel, ts, action_id, value, state, view_values } = click;
    const message = messages.find(channel, ts);
    if (!message)
      throw new NotFoundError(
        `there is no message \`${ts}\` in \`${channel}\``,
        messages.inChannel(channel, click).map((one) => ({ ts: one.ts, text: one.text })),
      );
    const current = message.blocks ?? [];
    // A client that has not updated yet can click an element of the previous message.
    const blocks = findAction(current, click) ? current : messages.before(channel, ts);
    const clicked = findAction(blocks, click);
    if (!clicked)
      throw new NotFoundError(
        `there is no \`${action_id}\` to click`,
        listActions(current).map(({ element }) => ({ type: element.type, action_id: element.action_id })),
      );
    const responseId = responseUrls.create({ user, team, channel });
    const triggerId = views.trigger();
    const payload = blockActions(click, {
      channel,
      message,
      action: actionPayload(clicked, value),
      values: readInputState(blocks, state),
      responseUrl: responseUrls.url(responseId),
      triggerId,
    });
    const result = withAnswers(responseId, readReply(await sendPayload(payload)));
    const opened = views.openedBy(triggerId);
    if (!opened) return result;
    if (!view_values) return { ...result, modal: viewPayload(opened) };
    return { ...result, ...(await submit({ user, team, view_id: opened.id, view_values })) };
  }

  async function submit({ user, team, view_id, view_values }: Submission): Promise<InteractionResult> {
    const open = views.find(view_id);
    if (!open) throw new NotFoundError(`there is no modal \`${view_id}\``);
    const { blocks } = open.view;
    requireInputs(blocks, view_values);
    const values = readInputState(blocks, view_values, open.values);
    const errors = validationErrors(blocks, values);
    if (Object.keys(errors).length > 0) return { errors };
    const submitted = { ...open, values };
    const reply = await sendPayload(viewSubmission({ user, team }, submitted));
    return readReply(reply, (body) => responseAction(submitted, body));
  }

  /** https://docs.slack.dev/surfaces/modals */
  function responseAction(submitted: OpenView, body: string): InteractionResult {
    const { response_action: action, errors, view } = body === '' ? {} : JSON.parse(body);
    if (action === 'errors') return { errors };
    if (action === 'update') return { modal: viewPayload(views.replace(submitted, readView(view))) };
    views.close(submitted.id);
    return { closed: true };
  }

  async function command({ user, team, channel, text }: Command): Promise<InteractionResult> {
    const responseId = responseUrls.create({ user, team, channel });
    const reply = await send(slashCommand({ user, team }, channel, text, responseUrls.url(responseId)));
    const result = readReply(reply, (body) => {
      if (body !== '') responseUrls.show(responseId, JSON.parse(body));
      return {};
    });
    return withAnswers(responseId, result);
  }

  /** Adds the ephemeral messages of the interaction. */
  function withAnswers(responseId: string, result: InteractionResult): InteractionResult {
    const ephemeral = messages.answers(responseId);
    return ephemeral.length > 0 ? { ...result, ephemeral } : result;
  }

  return { click, submit, command };
}

/** Finds the element by `action_id`; the block or the value distinguishes several. */
function findAction(
  blocks: readonly Block[],
  { action_id, block_id, value }: Click,
): ClickedElement | undefined {
  const candidates = listActions(blocks).filter(
    (one) => one.element.action_id === action_id && (block_id === undefined || one.block_id === block_id),
  );
  const hasValue = ({ element }: ClickedElement) => element.type === 'button' && element.value === value;
  return candidates.find(hasValue) ?? candidates[0];
}

/** Reads linkgate's response. Returns Slack's error if the response is invalid. */
function readReply(
  { body, ...result }: Reply,
  read: (body: string) => InteractionResult = () => ({}),
): InteractionResult {
  if (result.error !== undefined) return result;
  try {
    return { ...result, ...read(body) };
  } catch (error) {
    const isInvalidResponse =
      error instanceof BlockError || error instanceof SlackApiError || error instanceof SyntaxError;
    if (!isInvalidResponse) throw error;
    return { ...result, error: `Slack does not understand the response: ${error.message}` };
  }
}
