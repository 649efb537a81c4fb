// The script of the page: sends the actions of people to the sandbox and shows Slack's result.

const { channel, user, team } = document.body.dataset;
const timeline = document.querySelector('#timeline');
const notice = document.querySelector('#notice');
const refreshMs = 1000;

/** The last HTML of each message. Unchanged messages stay, with the choices of people in them. */
const known = new Map();

async function post(path, body) {
  const response = await fetch(path, { method: 'POST', body: JSON.stringify({ user, team, ...body }) });
  return response.json();
}

function elementFrom(markup) {
  const template = document.createElement('template');
  template.innerHTML = markup;
  return template.content;
}

async function refresh() {
  const response = await fetch(`/slack/timeline?${new URLSearchParams({ channel, user })}`);
  const fresh = [...elementFrom(await response.text()).children];
  const wasAtEnd = timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight < 80;
  const ids = new Set(fresh.map(({ id }) => id));
  for (const old of [...timeline.children]) if (!ids.has(old.id)) old.remove();
  let hasGrown = false;
  for (const message of fresh) {
    const markup = message.outerHTML;
    const old = document.getElementById(message.id);
    if (old && known.get(message.id) === markup) continue;
    known.set(message.id, markup);
    if (old) replace(old, message);
    else timeline.append(message);
    hasGrown ||= !old;
  }
  if (hasGrown && wasAtEnd) timeline.scrollTop = timeline.scrollHeight;
  return fresh;
}

/** Replaces a message, and keeps its focus and its selected options. */
function replace(old, message) {
  const focused = old.contains(document.activeElement) ? document.activeElement : undefined;
  const chosen = [...old.querySelectorAll('select')].map(({ dataset, value }) => [dataset.action, value]);
  old.replaceWith(message);
  for (const [action, value] of chosen) {
    const select = message.querySelector(`select[data-action="${CSS.escape(action)}"]`);
    if (select) select.value = value;
  }
  if (!focused) return;
  const { action } = focused.dataset;
  const same = action && message.querySelector(`[data-action="${CSS.escape(action)}"]`);
  (same || message).focus();
}

/** Returns the values of the inputs by name. */
function valuesIn(element) {
  const values = {};
  for (const input of element.querySelectorAll('[data-input]')) {
    const boxes = [...input.querySelectorAll('input:checked')].map(({ value }) => value);
    values[input.dataset.input] = 'value' in input ? input.value : boxes;
  }
  return values;
}

function say(problem) {
  notice.textContent = problem;
  notice.hidden = false;
  setTimeout(() => {
    notice.hidden = true;
  }, 6000);
}

async function show({ status, error, errors, modal, closed, ephemeral }) {
  const open = document.querySelector('dialog.modal');
  if (error) say(status ? `${error} (linkgate answered ${status})` : error);
  if (errors && open) showErrors(open, errors);
  if (closed) open?.close();
  if (modal) await openModal(modal.id);
  const shown = await refresh();
  // Ephemeral messages are at the end of the channel.
  if (ephemeral) shown.at(-1)?.scrollIntoView({ block: 'nearest' });
}

function showErrors(dialog, errors) {
  for (const field of dialog.querySelectorAll('[data-field]')) {
    const error = field.querySelector('.error');
    error.textContent = errors[field.dataset.field] ?? '';
    error.hidden = error.textContent === '';
  }
  dialog.querySelector('[data-field]:has(.error:not([hidden])) [data-input]')?.focus();
}

async function openModal(viewId) {
  const response = await fetch(`/slack/modal?${new URLSearchParams({ view_id: viewId })}`);
  const dialog = elementFrom(await response.text()).firstElementChild;
  const open = document.querySelector('dialog.modal');
  if (open) {
    // The response is a new version of the open modal.
    open.dataset.view = dialog.dataset.view;
    open.replaceChildren(...dialog.children);
    open.querySelector('h2').focus();
    return;
  }
  document.body.append(dialog);
  returnFocusAfter(dialog);
  dialog.showModal();
  dialog.querySelector('[data-input]')?.focus();
}

/** Returns the focus to the clicked element, or to its message if a new version has replaced the element. */
function returnFocusAfter(dialog) {
  const before = document.activeElement;
  const message = before?.closest('article')?.id;
  dialog.addEventListener('close', () => {
    dialog.remove();
    const target = before?.isConnected ? before : message && document.getElementById(message);
    target?.focus();
  });
}

/** Shows the confirmation dialog; resolves to whether the person confirms. */
function confirmed(button) {
  const question = button.nextElementSibling;
  if (question?.tagName !== 'TEMPLATE') return true;
  const dialog = question.content.cloneNode(true).firstElementChild;
  document.body.append(dialog);
  returnFocusAfter(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'confirmed'));
  });
}

/** Sends a click in a message. */
async function click(element, value) {
  const { action: action_id, block: block_id } = element.dataset;
  const message = element.closest('article');
  const clicked = { channel, ts: message.dataset.ts, action_id, block_id, state: valuesIn(message) };
  element.setAttribute('aria-busy', 'true');
  await show(await post('/slack/click', { ...clicked, ...(value && { value }) }));
  element.removeAttribute('aria-busy');
}

document.addEventListener('click', async ({ target }) => {
  const button = target.closest('button');
  if (!button) return;
  if ('close' in button.dataset) button.closest('dialog').close();
  if ('dismiss' in button.dataset) {
    await post('/slack/dismiss', { channel, ts: button.closest('article').dataset.ts });
    await refresh();
  }
  if (!button.dataset.action || button.getAttribute('aria-busy')) return;
  if (await confirmed(button)) await click(button, button.dataset.value);
});

document.addEventListener('change', async ({ target }) => {
  // Inputs of a modal have no action: Slack sends them with the submission.
  if (target.dataset.action) await click(target, target.value);
});

document.addEventListener('submit', async (event) => {
  const form = event.target;
  const dialog = form.closest('dialog.modal');
  if (dialog) {
    event.preventDefault();
    showErrors(dialog, {});
    const submission = { view_id: dialog.dataset.view, view_values: valuesIn(dialog) };
    await show(await post('/slack/submit', submission));
  }
  if (form.id === 'command') {
    event.preventDefault();
    const [, text] = /^\/linkgate\b\s*(.*)$/.exec(form.text.value.trim()) ?? [];
    if (text === undefined) return say('This field takes slash commands only: try /linkgate help');
    form.text.value = '';
    await show(await post('/slack/command', { channel, text }));
  }
});

for (const message of timeline.children) known.set(message.id, message.outerHTML);
timeline.scrollTop = timeline.scrollHeight;
setInterval(() => document.hidden || refresh().catch(() => {}), refreshMs);
