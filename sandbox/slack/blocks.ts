import * as v from 'valibot';

// The part of Block Kit that linkgate uses, with Slack's limits: https://docs.slack.dev/reference/block-kit

const chars = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
const plainText = (most: number) =>
  v.strictObject({ type: v.literal('plain_text'), text: chars(most), emoji: v.optional(v.boolean()) });
const mrkdwn = (most: number) =>
  v.strictObject({ type: v.literal('mrkdwn'), text: chars(most), verbatim: v.optional(v.boolean()) });
const anyText = (most: number) => v.variant('type', [plainText(most), mrkdwn(most)]);
const id = v.optional(chars(255));

const Confirm = v.strictObject({
  title: plainText(100),
  text: anyText(300),
  confirm: plainText(30),
  deny: plainText(30),
  style: v.optional(v.picklist(['primary', 'danger'])),
});

const Option = v.strictObject({
  text: anyText(75),
  value: chars(150),
  description: v.optional(anyText(75)),
});
export type Option = v.InferOutput<typeof Option>;

const options = (most: number) => v.pipe(v.array(Option), v.minLength(1), v.maxLength(most));

const Button = v.strictObject({
  type: v.literal('button'),
  text: plainText(75),
  action_id: id,
  value: v.optional(chars(2000)),
  style: v.optional(v.picklist(['primary', 'danger'])),
  confirm: v.optional(Confirm),
});

const StaticSelect = v.strictObject({
  type: v.literal('static_select'),
  action_id: id,
  placeholder: v.optional(plainText(150)),
  options: options(100),
  initial_option: v.optional(Option),
  confirm: v.optional(Confirm),
  focus_on_load: v.optional(v.boolean()),
});

const Checkboxes = v.strictObject({
  type: v.literal('checkboxes'),
  action_id: id,
  options: options(10),
  initial_options: v.optional(options(10)),
  confirm: v.optional(Confirm),
  focus_on_load: v.optional(v.boolean()),
});

const inputLength = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(3000));
const PlainTextInput = v.strictObject({
  type: v.literal('plain_text_input'),
  action_id: id,
  initial_value: v.optional(v.pipe(v.string(), v.maxLength(3000))),
  multiline: v.optional(v.boolean()),
  min_length: v.optional(inputLength(0)),
  max_length: v.optional(inputLength(1)),
  placeholder: v.optional(plainText(150)),
  focus_on_load: v.optional(v.boolean()),
});

const Interactive = v.variant('type', [Button, StaticSelect, Checkboxes]);
const Input = v.variant('type', [StaticSelect, Checkboxes, PlainTextInput]);
export type Element = v.InferOutput<typeof Interactive> | v.InferOutput<typeof Input>;

const Block = v.variant('type', [
  v.strictObject({ type: v.literal('header'), text: plainText(150), block_id: id }),
  v.strictObject({
    type: v.literal('section'),
    text: v.optional(anyText(3000)),
    fields: v.optional(v.pipe(v.array(anyText(2000)), v.minLength(1), v.maxLength(10))),
    accessory: v.optional(Interactive),
    expand: v.optional(v.boolean()),
    block_id: id,
  }),
  v.strictObject({
    type: v.literal('context'),
    elements: v.pipe(v.array(anyText(3000)), v.minLength(1), v.maxLength(10)),
    block_id: id,
  }),
  v.strictObject({ type: v.literal('divider'), block_id: id }),
  v.strictObject({
    type: v.literal('actions'),
    elements: v.pipe(v.array(Interactive), v.minLength(1), v.maxLength(25)),
    block_id: id,
  }),
  v.strictObject({
    type: v.literal('input'),
    label: plainText(2000),
    element: Input,
    hint: v.optional(plainText(2000)),
    optional: v.optional(v.boolean()),
    dispatch_action: v.optional(v.boolean()),
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
  clear_on_close: v.optional(v.boolean()),
  notify_on_close: v.optional(v.boolean()),
  external_id: v.optional(v.pipe(v.string(), v.maxLength(255))),
});
export type View = v.InferOutput<typeof View>;

/** Lists the interactive elements of a block. */
export function listElements(block: Block): readonly Element[] {
  if (block.type === 'actions') return block.elements;
  if (block.type === 'input') return [block.element];
  return block.type === 'section' && block.accessory ? [block.accessory] : [];
}
