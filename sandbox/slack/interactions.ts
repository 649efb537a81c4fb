import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import type { Reply } from './app-requests.ts';
import { type Block, listElements } from './blocks.ts';
import { inputNames, readInputState, validationErrors } from './inputs.ts';
import type { Message, Messages } from './messages.ts';
import {
  type Action,
  blockActions,
  findAction,
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
  /** Validation errors of the modal's inputs, by `action_id`. */
  readonly errors?: Readonly<Record<string, string>>;
  /** Whether the modal closed. */
  readonly closed?: true;
  /** The keys of `view_values` without an input in the modal. */
  readonly ignored?: readonly string[];
}

/** The element to click does not exist. */
export class NotFoundError extends Error {
  override readonly name = 'NothingThereError';
  /** The existing elements. */
  readonly existing: readonly unknown[];

  constructor(problem: string, existing: readonly unknown[] = []) {
    super(problem);
    this.existing = existing;
  }
}

export interface InteractionOptions {
  readonly clock: Clock;
  readonly messages: Messages;
  readonly views: Views;
  readonly responseUrls: ResponseUrls;
  /** Sends the app a signed form. */
  readonly send: (fields: Readonly<Record<string, string>>) => Promise<Reply>;
}

/** Actions of people in Slack: linkgate gets Slack's requests, and people see Slack's result. */
export function createInteractions({ clock, messages, views, responseUrls, send }: InteractionOptions) {
  const sendPayload = (payload: object) => send({ payload: JSON.stringify(payload) });

  /** Returns the ephemeral messages of an interaction, from `firstIndex`. */
  function interactionResult(
    { status, error }: Reply,
    responseId: string,
    firstIndex = 0,
  ): InteractionResult {
    const ephemeral = messages.answers(responseId).slice(firstIndex);
    return {
      ...(status !== undefined && { status }),
      ...(error !== undefined && { error }),
      ...(ephemeral.length > 0 && { ephemeral }),
    };
  }

  async function click(click: Click): Promise<InteractionResult> {
    const { user, team, channel, ts, view_values } = click;
    const message = messages.find(channel, ts);
    if (!message) {
      const visibleMessages = messages
        .inChannel(channel, click)
        .map((one) => ({ ts: one.ts, text: one.text }));
      throw new NotFoundError(`there is no message \`${ts}\` in \`${channel}\``, visibleMessages);
    }
    const currentBlocks = message.blocks ?? [];
    // A client that has not updated yet can click an element of the previous message.
    const blocks = findAction(currentBlocks, click)
      ? currentBlocks
      : [...currentBlocks, ...messages.before(channel, ts)];
    const responseId = responseUrls.create({ user, team, channel });
    const triggerId = views.trigger({ user, team, responseId });
    const payload = blockActions(
      click,
      createAction(click, blocks),
      readInputState(blocks, click.state),
      triggerId,
      {
        channel,
        message,
        isEphemeral: messages.isEphemeral(channel, ts),
        responseUrl: responseUrls.url(responseId),
      },
    );
    const result = interactionResult(await sendPayload(payload), responseId);
    const opened = views.openedBy(triggerId);
    if (!opened) return result;
    if (!view_values) return { ...result, modal: viewPayload(opened) };
    return { ...result, ...(await submit({ user, team, view_id: opened.id, view_values })) };
  }

  function createAction(click: Click, blocks: readonly Block[]): Action {
    const { action_id, value } = click;
    const action_ts = (clock.now() / 1000).toFixed(6);
    const clicked = findAction(blocks, click);
    if (clicked) return { ...clicked, value, action_ts };
    const elements = blocks.flatMap(listElements).map(({ type, action_id }) => ({ type, action_id }));
    throw new NotFoundError(`there is no \`${action_id}\` to click`, elements);
  }

  async function submit({ user, team, view_id, view_values }: Submission): Promise<InteractionResult> {
    const open = views.find(view_id);
    if (!open) throw new NotFoundError(`there is no modal \`${view_id}\``);
    const { blocks } = open.view;
    const names = inputNames(blocks);
    const unknown = Object.keys(view_values).filter((name) => !names.includes(name));
    const ignored = unknown.length > 0 && { ignored: unknown };
    const state = readInputState(blocks, view_values);
    const errors = validationErrors(blocks, state);
    if (Object.keys(errors).length > 0) return { errors, ...ignored };

    const { responseId } = open;
    const answerCount = messages.answers(responseId).length;
    const triggerId = views.trigger({ user, team, responseId });
    views.fill(open.id, state);
    const reply = await sendPayload(viewSubmission({ user, team }, open, state, triggerId));
    return {
      ...interactionResult(reply, responseId, answerCount),
      ...ignored,
      ...(reply.error === undefined && orInputError(() => responseAction(open, reply.body))),
    };
  }

  /** https://docs.slack.dev/surfaces/modals */
  function responseAction(open: OpenView, body: string): InteractionResult {
    const { response_action: action, errors, view } = body.trim() === '' ? {} : JSON.parse(body);
    if (action === 'errors') return { errors: byActionId(open.view.blocks, errors) };
    if (action === 'update') return { modal: viewPayload(views.replace(open.id, readView(view))) };
    views.close(open.id);
    return { closed: true };
  }

  async function command({ user, team, channel, text }: Command): Promise<InteractionResult> {
    const responseId = responseUrls.create({ user, team, channel });
    const triggerId = views.trigger({ user, team, responseId });
    const address = responseUrls.url(responseId);
    const reply = await send(slashCommand({ user, team }, channel, text, triggerId, address));
    const problem = reply.error === undefined ? orInputError(() => showReply(responseId, reply.body)) : {};
    return { ...interactionResult(reply, responseId), ...problem };
  }

  /** The response to a command is text, or JSON as for a response URL. */
  function showReply(responseId: string, body: string): InteractionResult {
    if (body.trim() !== '')
      responseUrls.show(responseId, body.trimStart().startsWith('{') ? JSON.parse(body) : { text: body });
    return {};
  }

  return {
    click,
    submit,
    command,
  };
}

/** Returns Slack's error if linkgate's response is invalid. */
function orInputError(read: () => InteractionResult): InteractionResult {
  try {
    return read();
  } catch (error) {
    const isInvalidResponse =
      error instanceof BlockError || error instanceof SlackApiError || error instanceof SyntaxError;
    if (isInvalidResponse) return { error: `Slack does not understand the response: ${error.message}` };
    throw error;
  }
}

/** linkgate names an input by `block_id`, people by `action_id`. */
function byActionId(blocks: readonly Block[], errors: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(errors).map(([blockId, error]) => {
      const block = blocks.find(({ block_id }) => block_id === blockId);
      if (block?.type !== 'input') throw new BlockError([`the block \`${blockId}\` has no input`]);
      return [block.element.action_id ?? blockId, error];
    }),
  );
}
