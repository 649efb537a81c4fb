import { html } from 'hono/html';
import type { Html } from '../slack/page/mrkdwn.ts';
import type { ReceivedMail } from '../sns-deliveries.ts';
import { pageHtml } from './page.ts';
import { formatTime } from './time.ts';

/** Renders the emails of email subscriptions, newest first, with the newest open. */
export function inboxHtml(mails: readonly ReceivedMail[]): Html {
  const none = html`<p>No emails yet. linkgate sends one to approvers who have to decide and to customers. Reload this page then.</p>`;
  const count = mails.length === 0 ? '' : ` (${mails.length})`;
  return pageHtml(
    '/mail',
    `Mailbox${count}`,
    mails.length === 0 ? none : html`${mails.toReversed().map(mailHtml)}`,
  );
}

function mailHtml({ to, topicArn, subject, text, time }: ReceivedMail, index: number): Html {
  return html`<details ${index === 0 && 'open'}>
    <summary>
      <strong>${subject}</strong>
      <span>to ${to}, <time datetime="${time}">${formatTime(Date.parse(time))}</time>, from the topic ${topicArn.split(':').at(-1)}</span>
    </summary>
    <div class="text">${withLinks(text)}</div>
  </details>`;
}

const address = /(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)])/;

/** Renders URLs in a text as links and escapes the rest. */
function withLinks(text: string): Html {
  return html`${text.split(address).map((part, index) => (index % 2 === 1 ? html`<a href="${part}">${part}</a>` : part))}`;
}
