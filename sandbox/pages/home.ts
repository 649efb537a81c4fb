import { html } from 'hono/html';
import { provider } from '../accounts.ts';
import type { Html } from '../slack/page/mrkdwn.ts';
import { pageHtml } from './page.ts';
import { formatTime } from './time.ts';

/** The start page of the sandbox. */
export function homeHtml({ origin, now, mails }: { origin: string; now: number; mails: number }): Html {
  return pageHtml(
    '/',
    'linkgate in its sandbox',
    html`<p>This is AWS on your machine, as far as linkgate needs it, with linkgate deployed in it as in an account.</p>
      <dl>
        <dt><a href="/slack">Slack</a></dt>
        <dd>where linkgate asks people: choose who you are, approve and deny</dd>
        <dt><a href="/mail">Mailbox</a></dt>
        <dd>what approvers and customers were sent: ${mails === 1 ? '1 mail' : `${mails} mails`}</dd>
        <dt><a href="/_sandbox/calls">AWS calls</a></dt>
        <dd>each with who made it and what came of it, as JSON</dd>
        <dt><a href="/_sandbox/clock">Clock</a></dt>
        <dd>it is ${formatTime(now)} here, and it can be moved on</dd>
      </dl>
      <h2>In a terminal, in the folder of linkgate</h2>
      <pre tabindex="0" aria-label="Commands">${commands(origin)}</pre>
      <p class="soft">docs/quickstart.md leads from here to a decided request, and docs/sandbox.md has all that the sandbox can do.</p>`,
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
  return pageHtml('', 'There is nothing here', html`<p>The sandbox has no page <code>${path}</code>.</p>`);
}
