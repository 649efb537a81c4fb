import { type Block, type Field, listElements, type Option } from './blocks.ts';

/** The values of inputs by `action_id`: the text, the value of the chosen option, or a list of such values. */
export type InputValues = Readonly<Record<string, unknown>>;

export type InputState =
  | { readonly type: 'plain_text_input'; readonly value: string | null }
  | { readonly type: 'static_select'; readonly selected_option: Option }
  | { readonly type: 'checkboxes'; readonly selected_options: readonly Option[] };

/** `state.values` as Slack sends it: by `block_id`, then by `action_id`. */
export type StateValues = Readonly<Record<string, Readonly<Record<string, InputState>>>>;

/** The value does not fit the input. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Returns the state of the inputs: the given values, or the earlier state of the same input. @throws InputError */
export function readInputState(
  blocks: readonly Block[],
  inputValues: InputValues = {},
  earlier: StateValues = {},
): StateValues {
  return Object.fromEntries(
    blocks.flatMap((block) => {
      if (block.type !== 'actions' && block.type !== 'input') return [];
      const states = listElements(block).flatMap((element) => {
        const { action_id } = element;
        const value = inputValues[action_id];
        const earlierState = value === undefined ? earlier[block.block_id]?.[action_id] : undefined;
        const state = earlierState ?? toInputState(element, value);
        return state ? [[action_id, state]] : [];
      });
      return states.length > 0 ? [[block.block_id, Object.fromEntries(states)]] : [];
    }),
  );
}

/** Returns undefined for a button. Without a value the input has its initial state. */
function toInputState(
  element: ReturnType<typeof listElements>[number],
  value: unknown,
): InputState | undefined {
  const { type } = element;
  switch (type) {
    case 'button':
      return undefined;
    case 'plain_text_input':
      return { type, value: value === undefined ? null : String(value) || null };
    case 'static_select':
      return {
        type,
        selected_option: value === undefined ? element.initial_option : findOption(element, value),
      };
    case 'checkboxes':
      return { type, selected_options: [value ?? []].flat().map((each) => findOption(element, each)) };
    default:
      return type satisfies never;
  }
}

/** @throws InputError */
export function findOption({ options }: { readonly options: readonly Option[] }, value: unknown): Option {
  const match = options.find((option) => option.value === value);
  if (match) return match;
  throw new InputError(`\`${value}\` is none of ${options.map((option) => option.value).join(', ')}`);
}

/** Requires that each value has its input in the modal. @throws InputError */
export function requireInputs(blocks: readonly Block[], inputValues: InputValues): void {
  const names = blocks.flatMap(listElements).map(({ action_id }) => action_id);
  const unknown = Object.keys(inputValues).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new InputError(`\`${unknown}\` is none of ${names.join(', ')}`);
}

/** Returns Slack's own validation errors, by `block_id`. */
export function validationErrors(blocks: readonly Block[], values: StateValues): Record<string, string> {
  return Object.fromEntries(
    blocks.flatMap((block) => {
      if (block.type !== 'input') return [];
      const { block_id, element, optional = false } = block;
      const error = validateInput(element, values[block_id]?.[element.action_id], optional);
      return error === undefined ? [] : [[block_id, error]];
    }),
  );
}

function validateInput(field: Field, state: InputState | undefined, isOptional: boolean): string | undefined {
  const text = state?.type === 'plain_text_input' ? state.value : undefined;
  const isEmpty = state?.type === 'checkboxes' ? state.selected_options.length === 0 : !text;
  if (isEmpty) return isOptional ? undefined : 'Please complete this required field.';
  if (field.type !== 'plain_text_input' || !text || text.length <= field.max_length) return undefined;
  return `Please enter no more than ${field.max_length} characters.`;
}
