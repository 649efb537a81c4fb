import type { RequestView } from '../approval/request-view.ts';
import { matterOf } from '../approval/standing.ts';
import { doubtsIn, factsIn, knownIn, questionIn, reasonsTitles, standingIn } from '../approval/words.ts';
import { type Draft, decisionForm } from './decision-form.ts';
import type { LinkClaims } from './link.ts';
import { type Markup, markup, type Page, paragraphs } from './page.ts';

/** All that an approver needs to decide a request, and the form that decides it the one way the link is for. */
export function requestPage(view: RequestView, claims: LinkClaims, draft: Draft = {}): Page {
  const { record } = view;
  const matter = matterOf(record);
  const isRequest = matter === 'request';
  return {
    title: (isRequest ? titles.request : titles.live)[claims.purpose](record.ownerAccountId),
    body: markup`
<p>${questionIn(view)} Nothing is decided until you send the form below.</p>
${draft.problems && markup`<p class="alarm" role="alert">Nothing was decided: the form lacks something, marked below.</p>`}
${section(isRequest ? 'The request' : 'The connection', facts(view))}
${section('How it stands', paragraphs(standingIn(record)))}
${section(reasonsTitles[matter], list(doubtsIn(record)))}
${section('This account here before', list(knownIn(view)))}
${section('What your answer does', meaningOf(view))}
${decisionForm(view, claims, draft)}`,
  };
}

const titles = {
  request: {
    approve: (account: string) => `Approve account ${account}?`,
    deny: (account: string) => `Deny account ${account}?`,
  },
  live: {
    approve: (account: string) => `Let account ${account} stay connected?`,
    deny: (account: string) => `Cut account ${account} now?`,
  },
} as const;

function section(title: string, content: Markup): Markup {
  return markup`<section><h2>${title}</h2>${content}</section>`;
}

function list(lines: readonly string[]): Markup {
  return markup`<ul>${lines.map((line) => markup`<li>${line}</li>`)}</ul>`;
}

function facts(view: RequestView): Markup {
  return markup`<dl>${factsIn(view).map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function meaningOf({ record, group: { quorum } }: RequestView): Markup {
  const everybody = quorum > 1 ? ` It takes ${quorum} approvals; one denial denies.` : '';
  if (matterOf(record) !== 'request')
    return markup`<dl>
<dt>Approve</dt><dd>The connection stays. The allowlist stays as it is, unless the account is allowed with it.${everybody}</dd>
<dt>Deny</dt><dd>The connection is cut now, and for good: the endpoint stays rejected, and its owner pays for it by the hour until they
delete it. AWS tells them no reason, so tell them yourself.</dd>
</dl>`;
  return markup`<dl>
<dt>Approve</dt><dd>EC2 is asked to accept this endpoint, and the account can reach your service through it. The allowlist stays as it is,
unless the account is allowed with it.${everybody}</dd>
<dt>Deny</dt><dd>It is for good: a rejected endpoint stays rejected, and its owner pays for it by the hour until they delete it. AWS tells
them no reason, so tell them yourself.</dd>
</dl>`;
}
