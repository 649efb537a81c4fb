import { html } from 'hono/html';
import type { Block, Confirm, Element, Option, Text } from '../blocks.ts';
import { type Html, mrkdwn } from './mrkdwn.ts';

/** Renders blocks as Slack's clients do. Interactive elements carry their names as `data-` attributes for the script. */
export function blocksHtml(blocks: readonly Block[], now: number): Html {
  return html`${blocks.map((block) => blockHtml(block, now))}`;
}

function blockHtml(block: Block, now: number): Html {
  switch (block.type) {
    case 'header':
      return html`<h3 class="header">${textHtml(block.text, now)}</h3>`;
    case 'divider':
      return html`<hr />`;
    case 'context':
      return html`<div class="context">
        ${block.elements.map((text) => html`<div>${textHtml(text, now)}</div>`)}
      </div>`;
    case 'section':
      return html`<div class="section">
        <div class="body">
          ${block.text && html`<div class="text">${textHtml(block.text, now)}</div>`}
          ${
            block.fields &&
            html`<div class="fields">
              ${block.fields.map((field) => html`<div>${textHtml(field, now)}</div>`)}
            </div>`
          }
        </div>
        ${block.accessory && elementHtml(block.accessory, block, now)}
      </div>`;
    case 'actions':
      return html`<div class="actions">
        ${block.elements.map((element) => elementHtml(element, block, now))}
      </div>`;
    case 'input':
      return inputHtml(block, now);
    default:
      return block satisfies never;
  }
}

function textHtml(text: Text, now: number): Html {
  return text.type === 'mrkdwn' ? mrkdwn(text.text, now) : html`${text.text}`;
}

function elementHtml(element: Element, block: Block, now: number): Html {
  const names = html`data-action="${element.action_id ?? ''}" data-block="${block.block_id ?? ''}"`;
  switch (element.type) {
    case 'button':
      return html`<button type="button" class="${element.style ?? ''}" ${names} data-value="${element.value ?? ''}">${element.text.text}</button>${element.confirm && confirmHtml(element.confirm, now)}`;
    case 'static_select':
      return selectHtml(element, names, block.type === 'input');
    case 'checkboxes':
      return html`<span data-input="${element.action_id ?? ''}">
        ${element.options.map(
          (option) =>
            html`<label class="choice">
              <input
                type="checkbox"
                ${names}
                value="${option.value}"
                ${element.initial_options?.some((one) => isSameOption(option, one)) && 'checked'}
              />
              <span>${textHtml(option.text, now)}</span>
            </label>`,
        )}
      </span>`;
    case 'plain_text_input':
      return textInputHtml(element);
    default:
      return element satisfies never;
  }
}

/** A select beside buttons has no label; its placeholder serves as one. */
function selectHtml(
  { action_id = '', placeholder, initial_option, options }: Element & { type: 'static_select' },
  names: Html,
  isLabelled: boolean,
): Html {
  const label = initial_option?.text.text ?? placeholder?.text ?? '';
  return html`<select ${names} data-input="${action_id}" ${!isLabelled && html`aria-label="${label}"`}>
    ${!initial_option && html`<option value="">${label}</option>`}
    ${options.map(
      (option) =>
        html`<option value="${option.value}" ${isSameOption(option, initial_option) && 'selected'}>
          ${option.text.text}
        </option>`,
    )}
  </select>`;
}

function textInputHtml(element: Element & { type: 'plain_text_input' }): Html {
  const { action_id = '', initial_value = '', max_length = 3000, placeholder, multiline } = element;
  const attributes = html`data-input="${action_id}" maxlength="${max_length}" placeholder="${placeholder?.text ?? ''}"`;
  return multiline
    ? html`<textarea rows="3" ${attributes}>${initial_value}</textarea>`
    : html`<input type="text" ${attributes} value="${initial_value}" />`;
}

function inputHtml(block: Block & { type: 'input' }, now: number): Html {
  const { label, element, hint, optional = false } = block;
  const name = html`${label.text} ${optional && html`<span class="optional">(optional)</span>`}`;
  const control = elementHtml(element, block, now);
  return html`<div class="input" data-field="${element.action_id ?? ''}">
    ${
      element.type === 'checkboxes'
        ? html`<fieldset>
            <legend>${name}</legend>
            ${control}
          </fieldset>`
        : html`<label><span class="name">${name}</span>${control}</label>`
    }
    ${hint && html`<p class="hint">${hint.text}</p>`}
    <p class="error" role="alert" hidden></p>
  </div>`;
}

/** Renders the confirmation dialog; the script shows a copy of it. */
function confirmHtml({ title, text, confirm, deny, style = 'primary' }: Confirm, now: number): Html {
  return html`<template>
    <dialog class="confirm" aria-labelledby="confirm-title">
      <form method="dialog">
        <h2 id="confirm-title">${title.text}</h2>
        <p>${textHtml(text, now)}</p>
        <footer>
          <button value="">${deny.text}</button>
          <button value="confirmed" class="${style}">${confirm.text}</button>
        </footer>
      </form>
    </dialog>
  </template>`;
}

function isSameOption(option: Option, other: Option | undefined): boolean {
  return option.value === other?.value;
}
