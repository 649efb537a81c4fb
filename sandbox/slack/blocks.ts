import * as v from 'valibot';

// The part of Block Kit that linkgate uses, with Slack's limits: https://docs.slack.dev/reference/block-kit

const atMost = (most: number) =>
  v.pipe(v.string(), v.maxLength(most, `must be less than ${most + 1} characters`));
const chars = (most: number) => v.pipe(atMost(most), v.minLength(1, 'must be more than 0 characters'));
const items = <S extends v.GenericSchema>(item: S, most: number) =>
  v.pipe(v.array(item), v.maxLength(most, `no more than ${most} items allowed`));
const someItems = <S extends v.GenericSchema>(item: S, most: number) =>
  v.pipe(items(item, most), v.minLength(1, 'no fewer than 1 items allowed'));
const plainText = (most: number) =>
  v.strictObject({ type: v.literal('plain_text'), text: chars(most), emoji: v.optional(v.boolean()) });
const mrkdwn = (most: number) =>
  v.strictObject({ type: v.literal('mrkdwn'), text: chars(most), verbatim: v.optional(v.boolean()) });
const id = chars(255);

const Confirm = v.strictObject({
  title: plainText(100),
  text: mrkdwn(300),
  confirm: plainText(30),
  deny: plainText(30),
});
export type Confirm = v.InferOutput<typeof Confirm>;

const Option = v.strictObject({ text: plainText(75), value: chars(150) });
export type Option = v.InferOutput<typeof Option>;

const Button = v.strictObject({
  type: v.literal('button'),
  text: plainText(75),
  action_id: id,
  value: chars(2000),
  style: v.optional(v.picklist(['primary', 'danger'])),
  confirm: v.optional(Confirm),
});

const StaticSelect = v.strictObject({
  type: v.literal('static_select'),
  action_id: id,
  options: someItems(Option, 100),
  initial_option: Option,
});

const Checkboxes = v.strictObject({
  type: v.literal('checkboxes'),
  action_id: id,
  options: someItems(Option, 10),
});

const PlainTextInput = v.strictObject({
  type: v.literal('plain_text_input'),
  action_id: id,
  multiline: v.optional(v.boolean()),
  max_length: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3000)),
});

/** The elements of a message. */
const Action = v.variant('type', [Button, StaticSelect]);
export type Action = v.InferOutput<typeof Action>;
/** The elements of a modal. */
const Field = v.variant('type', [Checkboxes, PlainTextInput]);
export type Field = v.InferOutput<typeof Field>;

const Block = v.variant('type', [
  v.strictObject({ type: v.literal('header'), text: plainText(150) }),
  v.strictObject({ type: v.literal('section'), text: mrkdwn(3000) }),
  v.strictObject({ type: v.literal('context'), elements: someItems(mrkdwn(3000), 10) }),
  v.strictObject({ type: v.literal('actions'), block_id: id, elements: someItems(Action, 25) }),
  v.strictObject({
    type: v.literal('input'),
    block_id: id,
    label: plainText(2000),
    element: Field,
    optional: v.optional(v.boolean()),
  }),
]);
export type Block = v.InferOutput<typeof Block>;

/** The blocks of a message. */
export const Blocks = items(Block, 50);

export const View = v.strictObject({
  type: v.literal('modal'),
  title: plainText(24),
  blocks: items(Block, 100),
  submit: v.optional(plainText(24)),
  close: plainText(24),
  private_metadata: v.optional(atMost(3000)),
  callback_id: v.optional(atMost(255)),
});
export type View = v.InferOutput<typeof View>;

/** Lists the interactive elements of a block. */
export function listElements(block: Block): readonly (Action | Field)[] {
  if (block.type === 'actions') return block.elements;
  return block.type === 'input' ? [block.element] : [];
}
