import { html } from 'hono/html';
import type { Message, Messages } from '../messages.ts';
import type { OpenView } from '../views.ts';
import { app, type Channel, channels, type User, users } from '../workspace.ts';
import { blocksHtml } from './blocks.ts';
import { formatSlackDate, type Html, mrkdwn } from './mrkdwn.ts';

/** The user who views a channel. */
export interface Viewer {
  readonly channel: Channel;
  readonly user: User;
}

/** The path of the page's own files. */
export const pageFiles = '/slack/page';

export function pageHtml({ channel, user }: Viewer, timeline: Html): Html {
  const address = (to: Partial<Viewer>) => {
    const linked = { channel, user, ...to };
    return `/slack?${new URLSearchParams({ channel: linked.channel.id, user: linked.user.id })}`;
  };
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>#${channel.name} as ${user.name} – Slack in the linkgate sandbox</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${pageFiles}/page.css" />
        <script type="module" src="${pageFiles}/page.js"></script>
      </head>
      <body data-channel="${channel.id}" data-user="${user.id}" data-team="${user.team}">
        <nav aria-label="Workspace">
          <p class="workspace">Local <small>linkgate sandbox</small></p>
          <h2>Channels</h2>
          <ul>
            ${channels
              .filter(({ teams }) => teams.includes(user.team))
              .map((each) => linkHtml(address({ channel: each }), each === channel, `# ${each.name}`))}
          </ul>
          <h2>You are</h2>
          <ul>
            ${users.map((each) => linkHtml(address({ user: each }), each === user, each.name, each.about))}
          </ul>
        </nav>
        <main>
          <h1># ${channel.name}</h1>
          <div id="timeline" role="log" aria-label="Messages in ${channel.name}" tabindex="0">${timeline}</div>
          <form id="command">
            <label class="hidden" for="text">Slash command</label>
            <input
              id="text"
              name="text"
              autocomplete="off"
              placeholder="${app.command} waiting"
              spellcheck="false"
            />
            <button class="primary">Send</button>
          </form>
        </main>
        <p id="notice" role="alert" hidden></p>
      </body>
    </html>`;
}

function linkHtml(address: string, isCurrent: boolean, name: string, about = ''): Html {
  return html`<li>
    <a href="${address}" ${isCurrent && 'aria-current=true'}>${name} <span>${about}</span></a>
  </li>`;
}

/** Renders the messages that the viewer sees in a channel, each with its thread below. */
export function timelineHtml({ channel, user }: Viewer, messages: Messages): Html {
  const visibleMessages = messages.inChannel(channel.id, { user: user.id, team: user.team });
  if (visibleMessages.length === 0)
    return html`<p class="empty" id="empty">No messages yet. linkgate posts one when an approver has to decide.</p>`;
  return html`${visibleMessages.map((message) =>
    messageHtml(message, {
      isPrivate: messages.isEphemeral(channel.id, message.ts),
      replies: messages.replies(channel.id, message.ts),
    }),
  )}`;
}

function messageHtml(
  { ts, text, blocks }: Message,
  { isPrivate, replies }: { isPrivate: boolean; replies: readonly Message[] },
): Html {
  const time = formatSlackDate(Number(ts) * 1000, '{date_short} at {time}');
  return html`<article
    id="m${ts}"
    class="${isPrivate ? 'message private' : 'message'}"
    data-ts="${ts}"
    aria-label="Message of ${app.name}, ${time}"
    tabindex="-1"
  >
    <div class="avatar" aria-hidden="true">lg</div>
    <div class="content">
      ${isPrivate && html`<p class="only">Only visible to you · <button type="button" data-dismiss>Dismiss</button></p>`}
      <p class="from">
        <strong>${app.name}</strong> <span class="badge">APP</span> <span class="time">${time}</span>
      </p>
      ${blocks ? blocksHtml(blocks) : html`<div class="text">${mrkdwn(text)}</div>`}
      ${
        replies.length > 0 &&
        html`<section class="thread" aria-label="Thread">
          ${replies.map((reply) => messageHtml(reply, { isPrivate: false, replies: [] }))}
        </section>`
      }
    </div>
  </article>`;
}

export function modalHtml({ id, view, values }: OpenView): Html {
  return html`<dialog class="modal" aria-labelledby="modal-title" data-view="${id}">
    <form novalidate>
      <h2 id="modal-title" tabindex="-1">${view.title.text}</h2>
      <div class="blocks">${blocksHtml(view.blocks, values)}</div>
      <footer>
        <button type="button" data-close>${view.close.text}</button>
        ${view.submit && html`<button class="primary">${view.submit.text}</button>`}
      </footer>
    </form>
  </dialog>`;
}
