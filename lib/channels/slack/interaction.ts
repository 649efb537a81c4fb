import * as v from 'valibot';
import { slackActor } from '../../approvers/actor.ts';
import { SlackUser } from '../../approvers/approver-group.ts';
import { visibleText } from '../../values/text.ts';

const StringField = v.string();
const OptionalStringField = v.nullish(v.string());
const SelectedOption = v.nullish(v.object({ value: StringField }));

/** The state of one input element, whose type determines the field. */
const FieldState = v.object({
  value: OptionalStringField,
  selected_option: SelectedOption,
  selected_options: v.nullish(v.array(v.object({ value: StringField }))),
});
const ViewState = v.nullish(v.object({ values: v.record(StringField, v.record(StringField, FieldState)) }));

const identityFields = {
  /** The id identifies a user. The name in the payload does not. */
  user: v.object({ id: SlackUser.entries.user, team_id: v.nullish(SlackUser.entries.team) }),
  team: v.nullish(v.object({ id: SlackUser.entries.team })),
};

const BlockActionsPayload = v.object({
  ...identityFields,
  type: v.literal('block_actions'),
  trigger_id: StringField,
  response_url: OptionalStringField,
  actions: v.pipe(
    v.array(
      v.object({ action_id: StringField, value: OptionalStringField, selected_option: SelectedOption }),
    ),
    v.minLength(1),
  ),
  channel: v.nullish(v.object({ id: StringField })),
  message: v.nullish(v.object({ ts: StringField })),
  state: ViewState,
});

const ViewSubmissionPayload = v.object({
  ...identityFields,
  type: v.literal('view_submission'),
  view: v.object({ callback_id: StringField, private_metadata: StringField, state: ViewState }),
});

const SlashCommandPayload = v.object({
  command: StringField,
  text: v.optional(StringField, ''),
  user_id: SlackUser.entries.user,
  team_id: SlackUser.entries.team,
});

/** The values of the inputs of a message or a modal, by `action_id`. */
export type FieldValues = ReadonlyMap<string, string>;

/** One interaction of a user. Records name the user as `actor`. */
export type Interaction =
  | {
      readonly kind: 'click';
      readonly actor: string;
      readonly actionId: string;
      readonly value: string;
      readonly triggerId: string;
      readonly responseUrl: string | undefined;
      /** The message with the button. */
      readonly message: { readonly channel: string; readonly ts: string } | undefined;
      readonly fieldValues: FieldValues;
    }
  | {
      readonly kind: 'submission';
      readonly actor: string;
      readonly callbackId: string;
      readonly metadata: string;
      /** The `action_id` of every input, empty ones included. */
      readonly fieldNames: ReadonlySet<string>;
      readonly fieldValues: FieldValues;
    }
  | { readonly kind: 'command'; readonly actor: string; readonly text: string }
  /** An interaction that linkgate ignores, such as a closed modal or a shortcut. */
  | { readonly kind: 'other' };

export type BlockAction = Extract<Interaction, { kind: 'click' }>;
export type ViewSubmission = Extract<Interaction, { kind: 'submission' }>;

/** @returns undefined for a malformed body */
export function parseInteraction(body: Buffer): Interaction | undefined {
  const form = new URLSearchParams(body.toString('utf8'));
  const payload = form.get('payload');
  if (payload === null) return form.has('command') ? parseSlashCommand(Object.fromEntries(form)) : undefined;
  const content = parseSlackJson(payload);
  if (!v.is(v.object({ type: StringField }), content)) return undefined;
  if (content.type === 'block_actions') return parseBlockAction(content);
  if (content.type === 'view_submission') return parseViewSubmission(content);
  return { kind: 'other' };
}

export function parseSlackJson(json: string): unknown {
  try {
    // DynamoDB rejects a lone surrogate.
    return JSON.parse(json, (_name, value) => (typeof value === 'string' ? value.toWellFormed() : value));
  } catch {
    return undefined;
  }
}

function parseBlockAction(payload: unknown): Interaction | undefined {
  const result = v.safeParse(BlockActionsPayload, payload);
  const actor = result.success && identifySlackActor(result.output);
  if (!actor) return undefined;
  const { actions, channel, message, state, trigger_id, response_url } = result.output;
  const [action] = actions;
  return {
    kind: 'click',
    actor,
    actionId: action?.action_id ?? '',
    value: action?.value ?? action?.selected_option?.value ?? '',
    triggerId: trigger_id,
    responseUrl: response_url ?? undefined,
    message: channel && message ? { channel: channel.id, ts: message.ts } : undefined,
    fieldValues: readFieldValues(state),
  };
}

function parseViewSubmission(payload: unknown): Interaction | undefined {
  const result = v.safeParse(ViewSubmissionPayload, payload);
  const actor = result.success && identifySlackActor(result.output);
  if (!actor) return undefined;
  const { callback_id: callbackId, private_metadata: metadata, state } = result.output.view;
  const fields = new Set(Object.values(state?.values ?? {}).flatMap((block) => Object.keys(block)));
  return {
    kind: 'submission',
    actor,
    callbackId,
    metadata,
    fieldNames: fields,
    fieldValues: readFieldValues(state),
  };
}

function parseSlashCommand(form: object): Interaction | undefined {
  const result = v.safeParse(SlashCommandPayload, form);
  if (!result.success) return undefined;
  const { text, user_id: user, team_id: team } = result.output;
  return { kind: 'command', actor: slackActor({ team, user }), text };
}

/** Uses the user's workspace, which differs from the channel's workspace in a shared channel. */
function identifySlackActor({
  user,
  team,
}: v.InferOutput<typeof BlockActionsPayload> | v.InferOutput<typeof ViewSubmissionPayload>) {
  const home = user.team_id ?? team?.id;
  return home === undefined ? undefined : slackActor({ team: home, user: user.id });
}

function readFieldValues(fields: v.InferOutput<typeof ViewState>): FieldValues {
  const inputs = Object.values(fields?.values ?? {}).flatMap((block) => Object.entries(block));
  return new Map(
    inputs.flatMap(([actionId, { value, selected_option, selected_options }]) => {
      const fieldValue = value ?? selected_option?.value ?? selected_options?.[0]?.value;
      const text = visibleText(fieldValue ?? '');
      return text === '' ? [] : [[actionId, text] as const];
    }),
  );
}
