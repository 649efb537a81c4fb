import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { html, raw } from 'hono/html';
import type { Html } from '../slack/page/mrkdwn.ts';

const style = readFileSync(new URL('page.css', import.meta.url), 'utf8');

const locations = { '/': 'Sandbox', '/slack': 'Slack', '/mail': 'Mailbox' };

/** Renders a page of the sandbox without scripts. `path` marks the current page in the navigation. */
export function pageHtml(path: string, title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title} – linkgate sandbox</title>
        <link rel="icon" href="data:," />
        <style>${raw(style)}</style>
      </head>
      <body>
        <header>
          <nav aria-label="Sandbox">
            <ul>
              ${Object.entries(locations).map(
                ([to, name]) =>
                  html`<li><a href="${to}" ${to === path && html`aria-current="page"`}>${name}</a></li>`,
              )}
            </ul>
          </nav>
        </header>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`;
}

/** The content security policy allows the page's own style only, and no framing. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    'img-src data:',
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
} as const;
