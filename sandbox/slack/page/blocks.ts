import { html } from 'hono/html';
import type { Action, Block, Confirm, Field } from '../blocks.ts';
import type { InputState, StateValues } from '../inputs.ts';
import { type Html, mrkdwn } from './mrkdwn.ts';

/** Renders blocks as Slack's clients do. Interactive elements carry their names as `data-` attributes for the script. */
export function blocksHtml(blocks: readonly Block[], values: StateValues = {}): Html {
  return html`${blocks.map((block) => blockHtml(block, values))}`;
}

function blockHtml(block: Block, values: StateValues): Html {
  switch (block.type) {
    case 'header':
      return html`<h3 class="header">${block.text.text}</h3>`;
    case 'section':
      return html`<div class="section">${mrkdwn(block.text.text)}</div>`;
    case 'context':
      return html`<div class="context">${block.elements.map(({ text }) => html`<div>${mrkdwn(text)}</div>`)}</div>`;
    case 'actions':
      return html`<div class="actions">
        ${block.elements.map((element) => actionHtml(element, block.block_id))}
      </div>`;
    case 'input':
      return inputHtml(block, values);
    default:
      return block satisfies never;
  }
}

function actionHtml(element: Action, blockId: string): Html {
  const names = html`data-action="${element.action_id}" data-block="${blockId}"`;
  if (element.type === 'button')
    return html`<button type="button" class="${element.style ?? ''}" ${names} data-value="${element.value}">${element.text.text}</button>${element.confirm && confirmHtml(element.confirm)}`;
  const { initial_option, options } = element;
  // A select beside buttons has no label.
  return html`<select ${names} data-input="${element.action_id}" aria-label="${initial_option.text.text}">
    ${options.map(
      ({ value, text }) =>
        html`<option value="${value}" ${value === initial_option.value && 'selected'}>${text.text}</option>`,
    )}
  </select>`;
}

function inputHtml(block: Block & { type: 'input' }, values: StateValues): Html {
  const { block_id, label, element, optional = false } = block;
  const name = html`${label.text} ${optional && html`<span class="optional">(optional)</span>`}`;
  return html`<div class="input" data-field="${block_id}">
    ${fieldHtml(element, name, values[block_id]?.[element.action_id])}
    <p class="error" role="alert" hidden></p>
  </div>`;
}

function fieldHtml(field: Field, name: Html, state: InputState | undefined): Html {
  if (field.type === 'checkboxes') {
    const chosen = state?.type === 'checkboxes' ? state.selected_options.map(({ value }) => value) : [];
    return html`<fieldset data-input="${field.action_id}">
      <legend>${name}</legend>
      ${field.options.map(
        ({ text, value }) =>
          html`<label class="choice">
            <input type="checkbox" value="${value}" ${chosen.includes(value) && 'checked'} />
            <span>${text.text}</span>
          </label>`,
      )}
    </fieldset>`;
  }
  const attributes = html`data-input="${field.action_id}" maxlength="${field.max_length}"`;
  const text = state?.type === 'plain_text_input' ? (state.value ?? '') : '';
  return html`<label>
    <span class="name">${name}</span>
    ${
      field.multiline
        ? html`<textarea rows="3" ${attributes}>${text}</textarea>`
        : html`<input type="text" ${attributes} value="${text}" />`
    }
  </label>`;
}

/** Renders the confirmation dialog; the script shows a copy of it. */
function confirmHtml({ title, text, confirm, deny }: Confirm): Html {
  return html`<template>
    <dialog class="confirm" aria-labelledby="confirm-title">
      <form method="dialog">
        <h2 id="confirm-title">${title.text}</h2>
        <p>${mrkdwn(text.text)}</p>
        <footer>
          <button value="">${deny.text}</button>
          <button value="confirmed" class="primary">${confirm.text}</button>
        </footer>
      </form>
    </dialog>
  </template>`;
}
