import type { ActionElement, Block } from './blocks.ts';
import { findOption, type StateValues } from './inputs.ts';
import type { Message } from './messages.ts';
import type { OpenView } from './views.ts';
import { app, findChannel, teamDomain, userName } from './workspace.ts';

/** The user of an interaction. */
export interface Person {
  readonly user: string;
  readonly team: string;
}

export interface Action {
  readonly element: ActionElement;
  readonly block_id: string;
  /** The value of the chosen option. */
  readonly value?: string | undefined;
  readonly action_ts: string;
}

/** Finds the element by `action_id`; the block or the value distinguishes several. */
export function findAction(
  blocks: readonly Block[],
  selector: { action_id: string; block_id?: string | undefined; value?: string | undefined },
): Pick<Action, 'element' | 'block_id'> | undefined {
  const { action_id, block_id, value } = selector;
  const candidates = blocks
    .flatMap((block) =>
      block.type === 'actions'
        ? block.elements.map((element) => ({ element, block_id: block.block_id ?? '' }))
        : [],
    )
    .filter(
      (one) => one.element.action_id === action_id && (block_id === undefined || one.block_id === block_id),
    );
  const isMatch = ({ element }: { element: ActionElement }) =>
    element.type === 'button' && element.value === value;
  return candidates.find(isMatch) ?? candidates[0];
}

interface ClickedMessage {
  readonly channel: string;
  readonly message: Message;
  readonly isEphemeral: boolean;
  readonly responseUrl: string;
}

/** https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
export function blockActions(
  person: Person,
  action: Action,
  values: StateValues,
  triggerId: string,
  { channel, message, isEphemeral, responseUrl }: ClickedMessage,
): object {
  const { ts, thread_ts } = message;
  return {
    type: 'block_actions',
    ...userAndTeam(person),
    trigger_id: triggerId,
    container: {
      type: 'message',
      message_ts: ts,
      channel_id: channel,
      is_ephemeral: isEphemeral,
      ...(thread_ts !== undefined && { thread_ts }),
    },
    channel: { id: channel, name: channelName(channel) },
    ...(!isEphemeral && { message }),
    response_url: responseUrl,
    state: { values },
    actions: [actionPayload(action)],
  };
}

/** https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload */
export function viewSubmission(
  person: Person,
  view: OpenView,
  values: StateValues,
  triggerId: string,
): object {
  return {
    type: 'view_submission',
    ...userAndTeam(person),
    trigger_id: triggerId,
    view: { ...viewPayload(view), state: { values } },
    response_urls: [],
  };
}

/** https://docs.slack.dev/interactivity/implementing-slash-commands */
export function slashCommand(
  { user, team }: Person,
  channel: string,
  text: string,
  triggerId: string,
  responseUrl: string,
): Readonly<Record<string, string>> {
  return {
    token: 'deprecated',
    team_id: team,
    team_domain: teamDomain(team),
    channel_id: channel,
    channel_name: channelName(channel),
    user_id: user,
    user_name: userName(user).toLowerCase(),
    command: app.command,
    text,
    api_app_id: app.id,
    is_enterprise_install: 'false',
    response_url: responseUrl,
    trigger_id: triggerId,
  };
}

export function viewPayload({ id, hash, view }: OpenView): object {
  return {
    id,
    team_id: app.team,
    private_metadata: '',
    callback_id: '',
    clear_on_close: false,
    notify_on_close: false,
    external_id: '',
    close: null,
    submit: null,
    ...view,
    state: { values: {} },
    hash,
    previous_view_id: null,
    root_view_id: id,
    app_id: app.id,
    app_installed_team_id: app.team,
    bot_id: app.botId,
  };
}

/** The user has a team of their own; the payload's team is the one with the app. */
function userAndTeam({ user, team }: Person) {
  const username = userName(user).toLowerCase();
  return {
    user: { id: user, username, name: username, team_id: team },
    api_app_id: app.id,
    token: 'deprecated',
    team: { id: app.team, domain: teamDomain(app.team) },
    enterprise: null,
    is_enterprise_install: false,
  };
}

function channelName(id: string): string {
  return findChannel(id)?.name ?? 'privategroup';
}

function actionPayload({ element, block_id, value, action_ts }: Action): object {
  const { type, action_id } = element;
  const actionFields = { type, action_id, block_id, action_ts };
  if (type === 'static_select') return { ...actionFields, selected_option: findOption(element, value) };
  return { ...element, ...actionFields };
}
