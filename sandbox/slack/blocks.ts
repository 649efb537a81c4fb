import * as v from 'valibot';

// The part of Block Kit that linkgate uses, with Slack's limits: https://docs.slack.dev/reference/block-kit

const chars = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
const plainText = (most: number) =>
  v.strictObject({ type: v.literal('plain_text'), text: chars(most), emoji: v.optional(v.boolean()) });
const mrkdwn = (most: number) =>
  v.strictObject({ type: v.literal('mrkdwn'), text: chars(most), verbatim: v.optional(v.boolean()) });
const anyText = (most: number) => v.variant('type', [plainText(most), mrkdwn(most)]);
const id = v.optional(chars(255));
const actionId = chars(255);

const Confirm = v.strictObject({
  title: plainText(100),
  text: anyText(300),
  confirm: plainText(30),
  deny: plainText(30),
});

const Option = v.strictObject({ text: anyText(75), value: chars(150) });
export type Option = v.InferOutput<typeof Option>;

const options = (most: number) => v.pipe(v.array(Option), v.minLength(1), v.maxLength(most));

const Button = v.strictObject({
  type: v.literal('button'),
  text: plainText(75),
  action_id: actionId,
  value: v.optional(chars(2000)),
  style: v.optional(v.picklist(['primary', 'danger'])),
  confirm: v.optional(Confirm),
});

const StaticSelect = v.strictObject({
  type: v.literal('static_select'),
  action_id: actionId,
  options: options(100),
  initial_option: v.optional(Option),
});

const Checkboxes = v.strictObject({
  type: v.literal('checkboxes'),
  action_id: actionId,
  options: options(10),
  initial_options: v.optional(options(10)),
});

const PlainTextInput = v.strictObject({
  type: v.literal('plain_text_input'),
  action_id: actionId,
  initial_value: v.optional(v.pipe(v.string(), v.maxLength(3000))),
  multiline: v.optional(v.boolean()),
  max_length: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3000))),
});

const ActionElement = v.variant('type', [Button, StaticSelect]);
const InputElement = v.variant('type', [Checkboxes, PlainTextInput]);
export type ActionElement = v.InferOutput<typeof ActionElement>;
export type InputElement = v.InferOutput<typeof InputElement>;
export type Element = ActionElement | InputElement;

const Block = v.variant('type', [
  v.strictObject({ type: v.literal('header'), text: plainText(150), block_id: id }),
  v.strictObject({ type: v.literal('section'), text: anyText(3000), block_id: id }),
  v.strictObject({
    type: v.literal('context'),
    elements: v.pipe(v.array(anyText(3000)), v.minLength(1), v.maxLength(10)),
    block_id: id,
  }),
  v.strictObject({
    type: v.literal('actions'),
    elements: v.pipe(v.array(ActionElement), v.minLength(1), v.maxLength(25)),
    block_id: id,
  }),
  v.strictObject({
    type: v.literal('input'),
    label: plainText(2000),
    element: InputElement,
    optional: v.optional(v.boolean()),
    block_id: id,
  }),
]);
export type Block = v.InferOutput<typeof Block>;
export type Text = v.InferOutput<ReturnType<typeof anyText>>;
export type Confirm = v.InferOutput<typeof Confirm>;

const blocks = (most: number) => v.pipe(v.array(Block), v.maxLength(most));
/** The blocks of a message. */
export const Blocks = blocks(50);

export const View = v.strictObject({
  type: v.literal('modal'),
  title: plainText(24),
  blocks: blocks(100),
  submit: v.optional(plainText(24)),
  close: v.optional(plainText(24)),
  private_metadata: v.optional(v.pipe(v.string(), v.maxLength(3000))),
  callback_id: v.optional(v.pipe(v.string(), v.maxLength(255))),
});
export type View = v.InferOutput<typeof View>;

/** Lists the interactive elements of a block. */
export function listElements(block: Block): readonly Element[] {
  if (block.type === 'actions') return block.elements;
  return block.type === 'input' ? [block.element] : [];
}
