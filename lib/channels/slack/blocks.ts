import { type Markup, slackLimits, truncate, truncatePlain } from './mrkdwn.ts';

/** A Block Kit element. The functions of this file respect Slack's limits. */
export interface Block {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** `text` replaces the blocks in notifications, for screen readers, and if Slack rejects the blocks. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly Block[];
}

export interface SelectOption {
  readonly text: string;
  readonly value: string;
}

// `verbatim` prevents Slack from turning plain URLs and names into links and mentions.
const mrkdwnText = (limit: number, text: Markup) => ({
  type: 'mrkdwn',
  text: truncate(limit, text),
  verbatim: true,
});
export const plainText = (limit: number, text: string) => ({
  type: 'plain_text',
  // Slack rejects an empty text.
  text: truncatePlain(limit, text) || ' ',
  emoji: false,
});

export function header(text: string): Block {
  return { type: 'header', text: plainText(slackLimits.header, text) };
}

export function section(text: Markup, accessory?: Block): Block {
  return { type: 'section', text: mrkdwnText(slackLimits.section, text), ...(accessory && { accessory }) };
}

export function context(...texts: readonly Markup[]): Block {
  const elements = texts
    .slice(0, slackLimits.contextElements)
    .map((text) => mrkdwnText(slackLimits.section, text));
  return { type: 'context', elements };
}

export function actions(blockId: string, elements: readonly Block[]): Block {
  return { type: 'actions', block_id: blockId, elements };
}

interface ButtonOptions {
  readonly text: string;
  readonly actionId: string;
  readonly value: string;
  readonly style?: 'primary' | 'danger';
  readonly confirm?: { readonly title: string; readonly text: Markup; readonly confirm: string };
}

export function button({ text, actionId, value, style, confirm }: ButtonOptions): Block {
  return {
    type: 'button',
    text: plainText(slackLimits.buttonText, text),
    action_id: actionId,
    value: truncatePlain(slackLimits.value, value),
    ...(style && { style }),
    ...(confirm && {
      confirm: {
        title: plainText(slackLimits.confirmTitle, confirm.title),
        text: mrkdwnText(slackLimits.confirmText, confirm.text),
        confirm: plainText(slackLimits.confirmButton, confirm.confirm),
        deny: plainText(slackLimits.confirmButton, 'Cancel'),
      },
    }),
  };
}

const selectOption = ({ text, value }: SelectOption) => ({
  text: plainText(slackLimits.optionText, text),
  value,
});

/** Selects the first option. */
export function select(actionId: string, options: readonly SelectOption[]): Block {
  const slackOptions = options.slice(0, slackLimits.options).map(selectOption);
  return {
    type: 'static_select',
    action_id: actionId,
    options: slackOptions,
    initial_option: slackOptions[0],
  };
}

export function checkbox(actionId: string, text: string): Block {
  return { type: 'checkboxes', action_id: actionId, options: [selectOption({ text, value: 'yes' })] };
}

export function textInput(actionId: string, { isLong = false } = {}): Block {
  return {
    type: 'plain_text_input',
    action_id: actionId,
    max_length: slackLimits.textInput,
    multiline: isLong,
  };
}

/** Builds a field of a modal. Slack shows an error at its `block_id`, the `action_id` of the element. */
export function input(label: string, element: Block, { isOptional = false } = {}): Block {
  return {
    type: 'input',
    block_id: element.action_id,
    label: plainText(slackLimits.inputLabel, label),
    element,
    optional: isOptional,
  };
}

interface ModalOptions {
  readonly title: string;
  readonly blocks: readonly Block[];
  readonly submit?: string;
  readonly callbackId?: string;
  /** Slack returns it as `private_metadata` with the submission. */
  readonly metadata?: object;
}

export type ModalView = Block;

export function modal({ title, blocks, submit, callbackId, metadata }: ModalOptions): ModalView {
  return {
    type: 'modal',
    title: plainText(slackLimits.modalTitle, title),
    close: plainText(slackLimits.modalTitle, submit === undefined ? 'Close' : 'Cancel'),
    blocks: blocks.slice(0, slackLimits.modalBlocks),
    ...(submit !== undefined && { submit: plainText(slackLimits.modalTitle, submit) }),
    ...(callbackId !== undefined && { callback_id: callbackId }),
    ...(metadata && { private_metadata: JSON.stringify(metadata) }),
  };
}
