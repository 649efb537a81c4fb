import { html } from 'hono/html';
import { findChannel, userName } from '../workspace.ts';
import { slackDate } from './slack-date.ts';

/** Escaped HTML. */
export type Html = ReturnType<typeof html>;

type Render = (groups: readonly string[], now: number) => Html;

/** Slack's markup, the first that fits: https://docs.slack.dev/messaging/formatting-message-text */
const markup: readonly (readonly [pattern: RegExp, render: Render])[] = [
  [/```\n?([\s\S]+?)```/, ([code = '']) => html`<pre>${unescapeEntities(code)}</pre>`],
  [/`([^`\n]+)`/, ([code = '']) => html`<code>${unescapeEntities(code)}</code>`],
  [/<([^<>\n]+)>/, ([inner = ''], now) => reference(inner, now)],
  [
    /(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])/,
    ([text = ''], now) => html`<strong>${mrkdwn(text, now)}</strong>`,
  ],
  [/(?<![\w_])_(?=\S)([^_\n]+)(?<=\S)_(?![\w_])/, ([text = ''], now) => html`<em>${mrkdwn(text, now)}</em>`],
  [/(?<![\w~])~(?=\S)([^~\n]+)(?<=\S)~(?![\w~])/, ([text = ''], now) => html`<s>${mrkdwn(text, now)}</s>`],
  [/^(?:&gt;|>) ?(.*)\n?/m, ([text = ''], now) => html`<blockquote>${mrkdwn(text, now)}</blockquote>`],
  [/\n/, () => html`<br />`],
];

/** `now` determines which day is `today`. */
export function mrkdwn(text: string, now: number): Html {
  const firstMatch = markup
    .map(([pattern, render]) => ({ match: pattern.exec(text), render }))
    .filter(({ match }) => match !== null)
    .sort((a, b) => (a.match?.index ?? 0) - (b.match?.index ?? 0))[0];
  if (!firstMatch?.match) return html`${unescapeEntities(text)}`;
  const { match, render } = firstMatch;
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + match[0].length);
  return html`${unescapeEntities(before)}${render(match.slice(1), now)}${mrkdwn(after, now)}`;
}

/** Renders a reference in angle brackets: a user, a channel, a date or a link. */
function reference(inner: string, now: number): Html {
  const [target = '', label] = inner.split('|', 2);
  const id = target.slice(1);
  if (target.startsWith('@')) return html`<span class="mention">@${userName(id)}</span>`;
  if (target.startsWith('#')) return html`<span class="mention">#${findChannel(id)?.name ?? id}</span>`;
  if (target.startsWith('!date^')) return date(target.split('^'), label ?? '', now);
  if (target.startsWith('!')) return html`<span class="mention">@${unescapeEntities(label ?? id)}</span>`;
  if (!/^(https?|mailto):/.test(target)) return html`${unescapeEntities(`<${inner}>`)}`;
  return html`<a href="${unescapeEntities(target)}" target="_blank" rel="noreferrer">${unescapeEntities(label ?? target)}</a>`;
}

function date([, seconds = '', format = '']: readonly string[], fallback: string, now: number): Html {
  const time = Number(seconds) * 1000;
  if (!Number.isFinite(time)) return html`${unescapeEntities(fallback)}`;
  return html`<time datetime="${new Date(time).toISOString()}" title="${unescapeEntities(fallback)}">${slackDate(time, format, now)}</time>`;
}

const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

/** The only three entities that Slack supports. */
function unescapeEntities(text: string): string {
  return text.replace(/&(amp|lt|gt);/g, (entity) => entities[entity] ?? entity);
}
