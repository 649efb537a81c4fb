import type { Action, Block } from './blocks.ts';
import { findOption, type StateValues } from './inputs.ts';
import type { Message } from './messages.ts';
import type { OpenView } from './views.ts';
import { app, findChannel, type Person, userName } from './workspace.ts';

/** An element of a message, with the block that contains it. */
export interface ClickedElement {
  readonly element: Action;
  readonly block_id: string;
}

/** Lists the elements that people can click. */
export function listActions(blocks: readonly Block[]): ClickedElement[] {
  return blocks.flatMap((block) =>
    block.type === 'actions' ? block.elements.map((element) => ({ element, block_id: block.block_id })) : [],
  );
}

interface SentClick {
  readonly channel: string;
  readonly message: Message;
  readonly action: object;
  readonly values: StateValues;
  readonly triggerId: string;
  readonly responseUrl: string;
}

/** https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
export function blockActions(
  person: Person,
  { channel, message, action, values, triggerId, responseUrl }: SentClick,
): object {
  return {
    type: 'block_actions',
    ...userAndTeam(person),
    trigger_id: triggerId,
    channel: { id: channel, name: channelName(channel) },
    message,
    response_url: responseUrl,
    state: { values },
    actions: [action],
  };
}

/** `value`: the value of the chosen option. */
export function actionPayload({ element, block_id }: ClickedElement, value: string | undefined): object {
  if (element.type === 'button') return { ...element, block_id };
  const { type, action_id } = element;
  return { type, action_id, block_id, selected_option: findOption(element, value) };
}

/** https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload */
export function viewSubmission(person: Person, view: OpenView): object {
  return { type: 'view_submission', ...userAndTeam(person), view: viewPayload(view) };
}

export function viewPayload({ id, view, values }: OpenView): object {
  return { id, private_metadata: '', callback_id: '', ...view, state: { values } };
}

/** https://docs.slack.dev/interactivity/implementing-slash-commands */
export function slashCommand(
  { user, team }: Person,
  channel: string,
  text: string,
  responseUrl: string,
): Readonly<Record<string, string>> {
  return {
    team_id: team,
    channel_id: channel,
    channel_name: channelName(channel),
    user_id: user,
    user_name: userName(user).toLowerCase(),
    command: app.command,
    text,
    api_app_id: app.id,
    response_url: responseUrl,
  };
}

/** The user has a team of their own; the payload's team is the one with the app. */
function userAndTeam({ user, team }: Person) {
  return {
    user: { id: user, name: userName(user).toLowerCase(), team_id: team },
    team: { id: app.team },
    api_app_id: app.id,
  };
}

function channelName(id: string): string {
  return findChannel(id)?.name ?? 'privategroup';
}
