import { html } from 'hono/html';
import type { ActionElement, Block, Confirm, InputElement, Text } from '../blocks.ts';
import { type Html, mrkdwn } from './mrkdwn.ts';

/** Renders blocks as Slack's clients do. Interactive elements carry their names as `data-` attributes for the script. */
export function blocksHtml(blocks: readonly Block[]): Html {
  return html`${blocks.map((block) => blockHtml(block))}`;
}

function blockHtml(block: Block): Html {
  switch (block.type) {
    case 'header':
      return html`<h3 class="header">${textHtml(block.text)}</h3>`;
    case 'context':
      return html`<div class="context">
        ${block.elements.map((text) => html`<div>${textHtml(text)}</div>`)}
      </div>`;
    case 'section':
      return html`<div class="section"><div class="text">${textHtml(block.text)}</div></div>`;
    case 'actions':
      return html`<div class="actions">
        ${block.elements.map((element) => actionHtml(element, block.block_id ?? ''))}
      </div>`;
    case 'input':
      return inputHtml(block);
    default:
      return block satisfies never;
  }
}

function textHtml(text: Text): Html {
  return text.type === 'mrkdwn' ? mrkdwn(text.text) : html`${text.text}`;
}

function actionHtml(element: ActionElement, blockId: string): Html {
  const names = html`data-action="${element.action_id}" data-block="${blockId}"`;
  if (element.type === 'static_select') return selectHtml(element, names);
  return html`<button type="button" class="${element.style ?? ''}" ${names} data-value="${element.value ?? ''}">${element.text.text}</button>${element.confirm && confirmHtml(element.confirm)}`;
}

function checkboxesHtml({
  action_id,
  options,
  initial_options,
}: InputElement & { type: 'checkboxes' }): Html {
  return html`<span data-input="${action_id}">
    ${options.map(
      ({ text, value }) =>
        html`<label class="choice">
          <input
            type="checkbox"
            value="${value}"
            ${initial_options?.some((one) => one.value === value) && 'checked'}
          />
          <span>${text.text}</span>
        </label>`,
    )}
  </span>`;
}

/** A select beside buttons has no label; its initial option serves as one. */
function selectHtml(
  { action_id, initial_option, options }: ActionElement & { type: 'static_select' },
  names: Html,
): Html {
  const label = initial_option?.text.text ?? '';
  return html`<select ${names} data-input="${action_id}" aria-label="${label}">
    ${!initial_option && html`<option value=""></option>`}
    ${options.map(
      ({ text, value }) =>
        html`<option value="${value}" ${value === initial_option?.value && 'selected'}>${text.text}</option>`,
    )}
  </select>`;
}

function textInputHtml(element: InputElement & { type: 'plain_text_input' }): Html {
  const { action_id, initial_value = '', max_length = 3000, multiline } = element;
  const attributes = html`data-input="${action_id}" maxlength="${max_length}"`;
  return multiline
    ? html`<textarea rows="3" ${attributes}>${initial_value}</textarea>`
    : html`<input type="text" ${attributes} value="${initial_value}" />`;
}

function inputHtml({ label, element, optional = false }: Block & { type: 'input' }): Html {
  const name = html`${label.text} ${optional && html`<span class="optional">(optional)</span>`}`;
  return html`<div class="input" data-field="${element.action_id}">
    ${
      element.type === 'checkboxes'
        ? html`<fieldset>
            <legend>${name}</legend>
            ${checkboxesHtml(element)}
          </fieldset>`
        : html`<label><span class="name">${name}</span>${textInputHtml(element)}</label>`
    }
    <p class="error" role="alert" hidden></p>
  </div>`;
}

/** Renders the confirmation dialog; the script shows a copy of it. */
function confirmHtml({ title, text, confirm, deny }: Confirm): Html {
  return html`<template>
    <dialog class="confirm" aria-labelledby="confirm-title">
      <form method="dialog">
        <h2 id="confirm-title">${title.text}</h2>
        <p>${textHtml(text)}</p>
        <footer>
          <button value="">${deny.text}</button>
          <button value="confirmed" class="primary">${confirm.text}</button>
        </footer>
      </form>
    </dialog>
  </template>`;
}
