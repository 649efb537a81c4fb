import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { actorName, formatTime, type StyledText, writeSpans } from '../../values/styled-text.ts';

export type EscapedHtml = HtmlEscapedString;

export interface Page {
  readonly title: string;
  readonly body: EscapedHtml;
}

/** Escapes each value of the template that is not `EscapedHtml` itself. */
export function escapedHtml(strings: TemplateStringsArray, ...values: readonly unknown[]): EscapedHtml {
  // `html` returns a promise only if a value is one.
  return html(strings, ...values) as EscapedHtml;
}

/** Writes a text in HTML with escaped values. */
export function writeHtml(text: StyledText): EscapedHtml {
  const spans = writeSpans(text, {
    text: (plain) => escapedHtml`${plain}`,
    strong: (plain) => escapedHtml`<strong>${plain}</strong>`,
    code: (command) => escapedHtml`<code>${command}</code>`,
    time: (time) => escapedHtml`${formatTime(time)}`,
    actor: (actor) => escapedHtml`${actorName(actor)}`,
  });
  return escapedHtml`${spans}`;
}

export function paragraphs(lines: readonly StyledText[]): EscapedHtml {
  return escapedHtml`${lines.map((line) => escapedHtml`<p>${writeHtml(line)}</p>`)}`;
}

const pageStyle = `
:root { color-scheme: light dark; --text: #1c2024; --quiet: #5a626b; --line: #d9dde2; --back: #f4f5f7; --card: #fff;
  --link: #0b57d0; --good: #1a7434; --bad: #b3261e; --note: #fff6dd; --alarm: #fdeceb; }
@media (prefers-color-scheme: dark) { :root { --text: #e7eaed; --quiet: #a3acb5; --line: #363c43; --back: #121518;
  --card: #1b1f23; --link: #8ab4f8; --note: #2f2a18; --alarm: #3a1d1b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 42rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
.brand { margin: 0; color: var(--quiet); font-size: .875rem; letter-spacing: .04em; }
h1 { margin: .25rem 0 .5rem; font-size: 1.625rem; line-height: 1.2; }
h2 { margin: 0 0 .5rem; font-size: 1.0625rem; }
p { margin: .5rem 0; }
section > p:first-child { margin-top: 0; }
section > p:last-child { margin-bottom: 0; }
section, form { margin: 1rem 0; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .625rem; }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .25rem 1rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
ul { margin: 0; padding-left: 1.25rem; }
li + li { margin-top: .25rem; }
code { font: .9em ui-monospace, monospace; }
.quiet { color: var(--quiet); }
.note, .alarm { padding: .75rem 1rem; border-left: .25rem solid; border-radius: .375rem; }
.note { background: var(--note); border-color: #c98a00; }
.alarm { background: var(--alarm); border-color: var(--bad); }
a { color: var(--link); }
.field { margin: 1rem 0; }
label { display: block; font-weight: 600; }
label.choice { display: flex; gap: .625rem; align-items: start; font-weight: 400; }
label.choice input { flex: none; width: 1.25rem; height: 1.25rem; margin: .125rem 0 0; }
textarea, select, input[type=text] { width: 100%; margin-top: .25rem; padding: .625rem; border: 1px solid var(--quiet);
  border-radius: .375rem; background: var(--card); color: var(--text); font: inherit; }
[aria-invalid=true] { border: 2px solid var(--bad); }
button { width: 100%; padding: .75rem 1.25rem; border: 0; border-radius: .375rem; color: #fff; font: inherit; font-weight: 600; cursor: pointer; }
.approve { background: var(--good); }
.deny { background: var(--bad); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media (min-width: 30.01rem) { button { width: auto; } }
`;

/** Renders a page without scripts, because e-mail scanners run them. */
export function renderPage({ title, body }: Page): string {
  return escapedHtml`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · linkgate</title>
<style>${raw(pageStyle)}</style>
</head>
<body>
<main>
<p class="brand">linkgate</p>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.toString();
}

/** Every page forbids caching, framing and the `Referer` header, and loads nothing but its own style. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(pageStyle).digest('base64')}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'strict-transport-security': 'max-age=31536000',
} as const;
