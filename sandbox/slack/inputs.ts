import { type Block, type Element, type InputElement, listElements, type Option } from './blocks.ts';

/** Input values by `action_id`: a text, the value of an option, or a list of such values. */
export type InputValues = Readonly<Record<string, unknown>>;

type InputState =
  | { readonly type: 'plain_text_input'; readonly value: string | null }
  | { readonly type: 'static_select'; readonly selected_option: Option | null }
  | { readonly type: 'checkboxes'; readonly selected_options: readonly Option[] };

/** `state.values` as Slack sends it: by `block_id`, then by `action_id`. */
export type StateValues = Readonly<Record<string, Readonly<Record<string, InputState>>>>;

/** The value does not fit the input. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Returns the state of the inputs: the given values, or their initial ones. @throws InputError */
export function readInputState(blocks: readonly Block[], inputValues: InputValues = {}): StateValues {
  return Object.fromEntries(
    blocks.flatMap((block) => {
      const inputs = listInputs(block);
      const values = inputs.map((input) => [
        input.action_id,
        toInputState(input, inputValues[input.action_id]),
      ]);
      return inputs.length > 0 ? [[block.block_id, Object.fromEntries(values)]] : [];
    }),
  );
}

/** Returns Slack's own validation errors, by `action_id`. */
export function validationErrors(blocks: readonly Block[], values: StateValues): Record<string, string> {
  return Object.fromEntries(
    blocks.flatMap((block) => {
      if (block.type !== 'input') return [];
      const { action_id } = block.element;
      const inputError = validateInput(block, values[block.block_id ?? '']?.[action_id]);
      return inputError === undefined ? [] : [[action_id, inputError]];
    }),
  );
}

export function inputNames(blocks: readonly Block[]): string[] {
  return blocks.flatMap(listInputs).map(({ action_id }) => action_id);
}

/** @throws InputError */
export function findOption({ options }: { readonly options: readonly Option[] }, value: unknown): Option {
  const match = options.find((option) => option.value === value);
  if (match) return match;
  throw new InputError(`\`${value}\` is none of ${options.map((option) => option.value).join(', ')}`);
}

function listInputs(block: Block): Exclude<Element, { type: 'button' }>[] {
  return listElements(block).filter((element) => element.type !== 'button');
}

/**
 * After an update of a view, inputs with the same `block_id` and `action_id` keep their values
 * (https://docs.slack.dev/surfaces/modals).
 */
export function preserveInputs(blocks: readonly Block[], values: StateValues): Block[] {
  return blocks.map((block) => {
    if (block.type !== 'input') return block;
    const { block_id = '', element } = block;
    const state = values[block_id]?.[element.action_id];
    return state ? { ...block, element: withInitialState(element, state) } : block;
  });
}

function withInitialState(element: InputElement, state: InputState): InputElement {
  if (element.type === 'plain_text_input' && state.type === element.type) {
    const { initial_value: _initial, ...empty } = element;
    return state.value === null ? empty : { ...empty, initial_value: state.value };
  }
  if (element.type === 'checkboxes' && state.type === element.type) {
    const { initial_options: _initial, ...empty } = element;
    const chosen = new Set(state.selected_options.map(({ value }) => value));
    const preservedOptions = element.options.filter(({ value }) => chosen.has(value));
    return preservedOptions.length > 0 ? { ...empty, initial_options: preservedOptions } : empty;
  }
  return element;
}

function toInputState(input: Exclude<Element, { type: 'button' }>, inputValue: unknown): InputState {
  const { type } = input;
  switch (type) {
    case 'plain_text_input':
      return {
        type,
        value: inputValue === undefined ? (input.initial_value ?? null) : String(inputValue) || null,
      };
    case 'static_select':
      return {
        type,
        selected_option:
          inputValue === undefined ? (input.initial_option ?? null) : findOption(input, inputValue),
      };
    case 'checkboxes':
      return {
        type,
        selected_options:
          inputValue === undefined
            ? (input.initial_options ?? [])
            : [inputValue].flat().map((value) => findOption(input, value)),
      };
    default:
      return type satisfies never;
  }
}

function validateInput(
  { element, optional = false }: Block & { type: 'input' },
  value: object = {},
): string | undefined {
  const isEmpty = !Object.entries(value).some(
    ([name, fieldValue]) => name !== 'type' && fieldValue !== null && fieldValue?.length !== 0,
  );
  if (isEmpty) return optional ? undefined : 'Please complete this required field.';
  if (element.type !== 'plain_text_input' || !('value' in value)) return undefined;
  const { length } = String(value.value);
  const { max_length = 3000 } = element;
  return length > max_length ? `Please enter no more than ${max_length} characters.` : undefined;
}
