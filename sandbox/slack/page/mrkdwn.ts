import { html } from 'hono/html';
import { findChannel, userName } from '../workspace.ts';

/** Escaped HTML. */
export type Html = ReturnType<typeof html>;

type Render = (groups: readonly string[]) => Html;

/** Slack's markup, the first that fits: https://docs.slack.dev/messaging/formatting-message-text */
const markup: readonly (readonly [pattern: RegExp, render: Render])[] = [
  [/`([^`\n]+)`/, ([code = '']) => html`<code>${unescapeEntities(code)}</code>`],
  [/<([^<>\n]+)>/, ([inner = '']) => reference(inner)],
  [/(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])/, ([text = '']) => html`<strong>${mrkdwn(text)}</strong>`],
  [/\n/, () => html`<br />`],
];

export function mrkdwn(text: string): Html {
  const firstMatch = markup
    .map(([pattern, render]) => ({ match: pattern.exec(text), render }))
    .filter(({ match }) => match !== null)
    .sort((a, b) => (a.match?.index ?? 0) - (b.match?.index ?? 0))[0];
  if (!firstMatch?.match) return html`${unescapeEntities(text)}`;
  const { match, render } = firstMatch;
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + match[0].length);
  return html`${unescapeEntities(before)}${render(match.slice(1))}${mrkdwn(after)}`;
}

/** Renders a reference in angle brackets: a user, a channel, a date or a link. */
function reference(inner: string): Html {
  const [target = '', label] = inner.split('|', 2);
  const id = target.slice(1);
  if (target.startsWith('@')) return html`<span class="mention">@${userName(id)}</span>`;
  if (target.startsWith('#')) return html`<span class="mention">#${findChannel(id)?.name ?? id}</span>`;
  if (target.startsWith('!date^')) return date(target.split('^'), label ?? '');
  if (target.startsWith('!')) return html`<span class="mention">@${unescapeEntities(label ?? id)}</span>`;
  if (!/^(https?|mailto):/.test(target)) return html`${unescapeEntities(`<${inner}>`)}`;
  return html`<a href="${unescapeEntities(target)}" target="_blank" rel="noreferrer">${unescapeEntities(label ?? target)}</a>`;
}

function date([, seconds = '', format = '']: readonly string[], fallback: string): Html {
  const time = Number(seconds) * 1000;
  if (!Number.isFinite(time)) return html`${unescapeEntities(fallback)}`;
  return html`<time datetime="${new Date(time).toISOString()}" title="${unescapeEntities(fallback)}">${slackDate(time, format)}</time>`;
}

/** Renders the date formats that linkgate sends, as Slack's clients do in the viewer's time zone. */
export function slackDate(time: number, format: string): string {
  return format
    .replace('{date_short}', formatDate(time, { month: 'short', day: 'numeric', year: 'numeric' }))
    .replace('{time}', formatDate(time, { hour: 'numeric', minute: '2-digit' }));
}

function formatDate(time: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-US', options).format(new Date(time));
}

const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

/** The only three entities that Slack supports. */
function unescapeEntities(text: string): string {
  return text.replace(/&(amp|lt|gt);/g, (entity) => entities[entity] ?? entity);
}
