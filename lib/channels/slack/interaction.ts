import * as v from 'valibot';
import { slackActor } from '../../approvers/actor.ts';
import { SlackUser } from '../../approvers/approver-group.ts';
import { visibleText } from '../../values/text.ts';

const Text = v.string();
const Maybe = v.nullish(v.string());
const Chosen = v.nullish(v.object({ value: Text }));

/** What stands in one field: which of these depends on its kind. */
const Field = v.object({
  value: Maybe,
  selected_option: Chosen,
  selected_options: v.nullish(v.array(v.object({ value: Text }))),
});
const Fields = v.nullish(v.object({ values: v.record(Text, v.record(Text, Field)) }));

const by = {
  /** The name that Slack sends along is nobody's identity. */
  user: v.object({ id: SlackUser.entries.user, team_id: v.nullish(SlackUser.entries.team) }),
  team: v.nullish(v.object({ id: SlackUser.entries.team })),
};

const BlockActions = v.object({
  ...by,
  type: v.literal('block_actions'),
  trigger_id: Text,
  response_url: Maybe,
  actions: v.pipe(
    v.array(v.object({ action_id: Text, value: Maybe, selected_option: Chosen })),
    v.minLength(1),
  ),
  channel: v.nullish(v.object({ id: Text })),
  message: v.nullish(v.object({ ts: Text })),
  state: Fields,
  /** Where it was clicked in a modal. */
  view: v.nullish(v.object({ id: Text, private_metadata: Maybe, state: Fields })),
});

const ViewSubmission = v.object({
  ...by,
  type: v.literal('view_submission'),
  view: v.object({ callback_id: Text, private_metadata: Text, state: Fields }),
});

const Command = v.object({
  command: Text,
  text: v.optional(Text, ''),
  user_id: SlackUser.entries.user,
  team_id: SlackUser.entries.team,
});

/** What stands in the fields of a message or a modal, by the `action_id` of the field. */
export type SlashCommand = ReadonlyMap<string, string>;

/** Something that a person did in Slack; `actor` is who, as linkgate writes it down. */
export type Interaction =
  | {
      readonly kind: 'click';
      readonly actor: string;
      readonly actionId: string;
      readonly value: string;
      readonly triggerId: string;
      readonly responseUrl: string | undefined;
      /** Of the message with the button. */
      readonly message: { readonly channel: string; readonly ts: string } | undefined;
      readonly modal: { readonly id: string; readonly metadata: string } | undefined;
      readonly typed: SlashCommand;
    }
  | {
      readonly kind: 'submission';
      readonly actor: string;
      readonly callbackId: string;
      readonly metadata: string;
      /** By their `action_id`, those that nothing was typed into too. */
      readonly fields: ReadonlySet<string>;
      readonly typed: SlashCommand;
    }
  | { readonly kind: 'command'; readonly actor: string; readonly text: string }
  /** Nothing that linkgate answers: a modal was closed, a shortcut was called. */
  | { readonly kind: 'other' };

export type BlockAction = Extract<Interaction, { kind: 'click' }>;
export type Submission = Extract<Interaction, { kind: 'submission' }>;

/** @returns undefined where the body is not what Slack sends. */
export function parseInteraction(body: Buffer): Interaction | undefined {
  const form = new URLSearchParams(body.toString('utf8'));
  const payload = form.get('payload');
  if (payload === null) return form.has('command') ? commandIn(Object.fromEntries(form)) : undefined;
  const sent = parsed(payload);
  if (!v.is(v.object({ type: Text }), sent)) return undefined;
  if (sent.type === 'block_actions') return clickIn(sent);
  if (sent.type === 'view_submission') return submissionIn(sent);
  return { kind: 'other' };
}

export function parsed(json: string): unknown {
  try {
    // DynamoDB takes no half of a character.
    return JSON.parse(json, (_name, value) => (typeof value === 'string' ? value.toWellFormed() : value));
  } catch {
    return undefined;
  }
}

function clickIn(sent: unknown): Interaction | undefined {
  const result = v.safeParse(BlockActions, sent);
  const actor = result.success && actorOf(result.output);
  if (!actor) return undefined;
  const { actions, channel, message, view, state, trigger_id, response_url } = result.output;
  const [action] = actions;
  return {
    kind: 'click',
    actor,
    actionId: action?.action_id ?? '',
    value: action?.value ?? action?.selected_option?.value ?? '',
    triggerId: trigger_id,
    responseUrl: response_url ?? undefined,
    message: channel && message ? { channel: channel.id, ts: message.ts } : undefined,
    modal: view ? { id: view.id, metadata: view.private_metadata ?? '' } : undefined,
    typed: typedIn(view ? view.state : state),
  };
}

function submissionIn(sent: unknown): Interaction | undefined {
  const result = v.safeParse(ViewSubmission, sent);
  const actor = result.success && actorOf(result.output);
  if (!actor) return undefined;
  const { callback_id: callbackId, private_metadata: metadata, state } = result.output.view;
  const fields = new Set(Object.values(state?.values ?? {}).flatMap((block) => Object.keys(block)));
  return { kind: 'submission', actor, callbackId, metadata, fields, typed: typedIn(state) };
}

function commandIn(form: object): Interaction | undefined {
  const result = v.safeParse(Command, form);
  if (!result.success) return undefined;
  const { text, user_id: user, team_id: team } = result.output;
  return { kind: 'command', actor: slackActor({ team, user }), text };
}

/** The user's own workspace: in a shared channel it is another than the one where they clicked. */
function actorOf({ user, team }: v.InferOutput<typeof BlockActions> | v.InferOutput<typeof ViewSubmission>) {
  const home = user.team_id ?? team?.id;
  return home === undefined ? undefined : slackActor({ team: home, user: user.id });
}

function typedIn(fields: v.InferOutput<typeof Fields>): SlashCommand {
  const all = Object.values(fields?.values ?? {}).flatMap((block) => Object.entries(block));
  return new Map(
    all.flatMap(([actionId, { value, selected_option, selected_options }]) => {
      const typed = value ?? selected_option?.value ?? selected_options?.[0]?.value;
      const text = visibleText(typed ?? '');
      return text === '' ? [] : [[actionId, text] as const];
    }),
  );
}
