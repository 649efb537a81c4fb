import { limits, type Markup, truncate, truncatePlain } from './mrkdwn.ts';

/** A piece of a message or a modal, as Slack's Block Kit has it. Those of this file keep Slack's limits. */
export interface Block {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What is shown: `text` stands in for the blocks in notifications, for screen readers, and where blocks are refused. */
export interface Message {
  readonly text: string;
  readonly blocks: readonly Block[];
}

export interface Option {
  readonly text: string;
  readonly value: string;
}

// `verbatim`: Slack makes no links and mentions out of what only looks like them.
const mrkdwn = (limit: number, text: Markup) => ({
  type: 'mrkdwn',
  text: truncate(limit, text),
  verbatim: true,
});
export const plainText = (limit: number, text: string) => ({
  type: 'plain_text',
  // An empty text is refused.
  text: truncatePlain(limit, text) || ' ',
  emoji: false,
});

export function header(text: string): Block {
  return { type: 'header', text: plainText(limits.header, text) };
}

export function section(text: Markup, accessory?: Block): Block {
  return { type: 'section', text: mrkdwn(limits.section, text), ...(accessory && { accessory }) };
}

export function context(...texts: readonly Markup[]): Block {
  const elements = texts.slice(0, limits.contextElements).map((text) => mrkdwn(limits.section, text));
  return { type: 'context', elements };
}

export function actions(blockId: string, elements: readonly Block[]): Block {
  return { type: 'actions', block_id: blockId, elements };
}

interface Button {
  readonly text: string;
  readonly actionId: string;
  readonly value: string;
  readonly style?: 'primary' | 'danger';
  readonly confirm?: { readonly title: string; readonly text: Markup; readonly confirm: string };
}

export function button({ text, actionId, value, style, confirm }: Button): Block {
  return {
    type: 'button',
    text: plainText(limits.buttonText, text),
    action_id: actionId,
    value: truncatePlain(limits.value, value),
    ...(style && { style }),
    ...(confirm && {
      confirm: {
        title: plainText(limits.confirmTitle, confirm.title),
        text: mrkdwn(limits.confirmText, confirm.text),
        confirm: plainText(limits.confirmButton, confirm.confirm),
        deny: plainText(limits.confirmButton, 'Cancel'),
      },
    }),
  };
}

const option = ({ text, value }: Option) => ({ text: plainText(limits.optionText, text), value });

/** The first option is chosen unless there is a placeholder to show instead. */
export function select(actionId: string, options: readonly Option[], placeholder?: string): Block {
  const shown = options.slice(0, limits.options).map(option);
  return {
    type: 'static_select',
    action_id: actionId,
    options: shown,
    ...(placeholder === undefined
      ? { initial_option: shown[0] }
      : { placeholder: plainText(limits.optionText, placeholder) }),
  };
}

export function checkbox(actionId: string, text: string): Block {
  return { type: 'checkboxes', action_id: actionId, options: [option({ text, value: 'yes' })] };
}

export function textInput(actionId: string, { isLong = false } = {}): Block {
  return {
    type: 'plain_text_input',
    action_id: actionId,
    max_length: limits.textInput,
    multiline: isLong,
  };
}

/** A field of a modal. Its block bears the element's name, unless it says another: errors are told by it. */
export function input(
  label: string,
  element: Block,
  { isOptional = false, blockId = String(element.action_id) } = {},
): Block {
  return {
    type: 'input',
    block_id: blockId,
    label: plainText(limits.inputLabel, label),
    element,
    optional: isOptional,
  };
}

interface Modal {
  readonly title: string;
  readonly blocks: readonly Block[];
  readonly submit?: string;
  readonly callbackId?: string;
  /** What comes back with what was typed. */
  readonly metadata?: object;
}

export type View = Block;

export function modal({ title, blocks, submit, callbackId, metadata }: Modal): View {
  return {
    type: 'modal',
    title: plainText(limits.modalTitle, title),
    close: plainText(limits.modalTitle, submit === undefined ? 'Close' : 'Cancel'),
    blocks: blocks.slice(0, limits.modalBlocks),
    ...(submit !== undefined && { submit: plainText(limits.modalTitle, submit) }),
    ...(callbackId !== undefined && { callback_id: callbackId }),
    ...(metadata && { private_metadata: JSON.stringify(metadata) }),
  };
}
