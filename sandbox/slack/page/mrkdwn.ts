import { html } from 'hono/html';
import { userName } from '../workspace.ts';

/** Escaped HTML. */
export type Html = ReturnType<typeof html>;

type Render = (groups: readonly string[]) => Html;

/** The markup of linkgate's messages: https://docs.slack.dev/messaging/formatting-message-text */
const markup: readonly (readonly [pattern: RegExp, render: Render])[] = [
  [/`([^`\n]+)`/, ([code = '']) => html`<code>${unescapeEntities(code)}</code>`],
  [/<@(\w+)>/, ([user = '']) => html`<span class="mention">@${userName(user)}</span>`],
  [
    /<!date\^(\d+)\^([^|<>]+)\|([^<>]+)>/,
    ([seconds, format = '', fallback]) =>
      html`<span title="${fallback}">${formatSlackDate(Number(seconds) * 1000, format)}</span>`,
  ],
  [/(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])/, ([text = '']) => html`<strong>${mrkdwn(text)}</strong>`],
  [/\n/, () => html`<br />`],
];

/** Renders the first markup that fits, then the rest. */
export function mrkdwn(text: string): Html {
  const [first] = markup
    .flatMap(([pattern, render]) => {
      const match = pattern.exec(text);
      return match ? { match, render } : [];
    })
    .sort((a, b) => a.match.index - b.match.index);
  if (!first) return html`${unescapeEntities(text)}`;
  const { match, render } = first;
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + match[0].length);
  return html`${unescapeEntities(before)}${render(match.slice(1))}${mrkdwn(after)}`;
}

/** Renders a date format such as `{date_short} {time}`, as Slack's clients do in the viewer's time zone. */
export function formatSlackDate(time: number, format: string): string {
  const date = new Date(time);
  return format
    .replace(
      '{date_short}',
      date.toLocaleDateString('en-US', { month: 'short', day: 'numeric', year: 'numeric' }),
    )
    .replace('{time}', date.toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit' }));
}

const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };

/** The only three entities that Slack supports. */
function unescapeEntities(text: string): string {
  return text.replace(/&(amp|lt|gt);/g, (entity) => entities[entity] ?? entity);
}
