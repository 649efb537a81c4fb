import { html } from 'hono/html';
import { provider } from '../accounts.ts';
import type { Html } from '../slack/page/mrkdwn.ts';
import { pageHtml } from './page.ts';
import { formatTime } from './time.ts';

/** The start page of the sandbox. */
export function homeHtml({ origin, now, mails }: { origin: string; now: number; mails: number }): Html {
  return pageHtml(
    '/',
    'linkgate in the sandbox',
    html`<p>The sandbox emulates the parts of AWS that linkgate needs, with linkgate deployed in it.</p>
      <dl>
        <dt><a href="/slack">Slack</a></dt>
        <dd>linkgate asks for approval here: choose a user, approve and deny</dd>
        <dt><a href="/mail">Mailbox</a></dt>
        <dd>${mails === 1 ? '1 email' : `${mails} emails`} to approvers and customers</dd>
        <dt><a href="/_sandbox/calls">AWS calls</a></dt>
        <dd>all calls with caller and result, as JSON</dd>
        <dt><a href="/_sandbox/clock">Clock</a></dt>
        <dd>the time of the sandbox is ${formatTime(now)}; you can advance it</dd>
      </dl>
      <h2>In a terminal, in the folder of linkgate</h2>
      <pre tabindex="0" aria-label="Commands">${commands(origin)}</pre>
      <p class="soft">docs/quickstart.md shows how to decide a request; docs/sandbox.md describes everything that the sandbox can do.</p>`,
  );
}

function commands(origin: string): string {
  return [
    `export AWS_ENDPOINT_URL=${origin} AWS_DEFAULT_REGION=${provider.region}`,
    `export AWS_ACCESS_KEY_ID=${provider.accountId} AWS_SECRET_ACCESS_KEY=any`,
    'npx linkgate connections',
    `curl -s -X POST $AWS_ENDPOINT_URL/_sandbox/clock --data '{"advanceSeconds": 3600}'`,
  ].join('\n');
}

/** The page for unknown paths. */
export function notFoundHtml(path: string): Html {
  return pageHtml('', 'Page not found', html`<p>The sandbox has no page <code>${path}</code>.</p>`);
}
