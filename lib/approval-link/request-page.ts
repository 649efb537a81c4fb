import type { RequestView } from '../approval/request-view.ts';
import { doubtsIn, factsIn, knownIn, standingIn } from '../approval/words.ts';
import { type Draft, decisionForm } from './decision-form.ts';
import type { LinkClaims } from './link.ts';
import { type Markup, markup, type Page, paragraphs } from './page.ts';

/** All that an approver needs to decide a request, and the form that decides it the one way the link is for. */
export function requestPage(view: RequestView, claims: LinkClaims, draft: Draft = {}): Page {
  const { record, service } = view;
  const account = record.ownerAccountId;
  return {
    title: claims.purpose === 'approve' ? `Approve account ${account}?` : `Deny account ${account}?`,
    body: markup`
<p>It asks to connect to your endpoint service <strong>${service.name}</strong>. Nothing is decided until you send the form below.</p>
${draft.problems && markup`<p class="alarm" role="alert">Nothing was decided: the form lacks something, marked below.</p>`}
${section('The request', facts(view))}
${section('How it stands', paragraphs(standingIn(record)))}
${section('Why you are asked', list(doubtsIn(record)))}
${section('This account here before', list(knownIn(view)))}
${section('What your answer does', meaningOf(view))}
${decisionForm(view, claims, draft)}`,
  };
}

function section(title: string, content: Markup): Markup {
  return markup`<section><h2>${title}</h2>${content}</section>`;
}

function list(lines: readonly string[]): Markup {
  return markup`<ul>${lines.map((line) => markup`<li>${line}</li>`)}</ul>`;
}

function facts(view: RequestView): Markup {
  return markup`<dl>${factsIn(view).map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function meaningOf({ group: { quorum } }: RequestView): Markup {
  const everybody = quorum > 1 ? ` It takes ${quorum} approvals; one denial denies.` : '';
  return markup`<dl>
<dt>Approve</dt><dd>EC2 is asked to accept this endpoint, and the account can reach your service through it. The allowlist stays as it is,
unless the account is allowed with it.${everybody}</dd>
<dt>Deny</dt><dd>It is for good: a rejected endpoint stays rejected, and its owner pays for it by the hour until they delete it. AWS tells
them no reason, so tell them yourself.</dd>
</dl>`;
}
