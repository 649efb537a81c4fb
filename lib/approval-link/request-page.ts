import { answersFor, connectedLabels, describeAnswer } from '../approval/connected.ts';
import type { RequestView } from '../approval/request-view.ts';
import { matterOf } from '../approval/standing.ts';
import { doubtsIn, factsIn, knownIn, questionIn, reasonsTitles, standingIn } from '../approval/words.ts';
import { answerOf, type Draft, decisionForm } from './decision-form.ts';
import type { LinkClaims } from './link.ts';
import { type Markup, markup, type Page, paragraphs } from './page.ts';

/** All that an approver needs to decide a request, and the form that decides it the one way the link is for. */
export function requestPage(view: RequestView, claims: LinkClaims, now: Date, draft: Draft = {}): Page {
  const { record } = view;
  const matter = matterOf(record);
  const isRequest = matter === 'request';
  const answer = answerOf[claims.purpose];
  return {
    title: titleFor(view, claims),
    body: markup`
<p>${questionIn(view)} Nothing is decided until you send the form below.</p>
${!isRequest && markup`<p class="note"><strong>${connectedLabels[answer]}:</strong> ${describeAnswer(answer, record, now)}</p>`}
${draft.problems && markup`<p class="alarm" role="alert">Nothing was decided: the form lacks something, marked below.</p>`}
${section(isRequest ? 'The request' : 'The connection', facts(view))}
${section('How it stands', paragraphs(standingIn(record)))}
${section(reasonsTitles[matter], list(doubtsIn(record)))}
${section('This account here before', list(knownIn(view)))}
${section(isRequest ? 'What your answer does' : 'What each answer does', meaningOf(view, now))}
${decisionForm(view, claims, draft)}`,
  };
}

function titleFor({ record }: RequestView, { purpose }: LinkClaims): string {
  const account = `account ${record.ownerAccountId}`;
  if (matterOf(record) === 'request') return `${purpose === 'approve' ? 'Approve' : 'Deny'} ${account}?`;
  return {
    approve: `Keep ${account} connected?`,
    extend: `Extend the connection of ${account} by 14 days?`,
    deny: `Disconnect ${account} now?`,
  }[purpose];
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

function meaningOf({ record, group: { quorum } }: RequestView, now: Date): Markup {
  if (matterOf(record) !== 'request') {
    const takes =
      quorum > 1 ? ` It takes ${quorum} people to keep it; one extends it, and one disconnects it.` : '';
    return markup`<dl>${answersFor(record).map(
      (answer) =>
        markup`<dt>${connectedLabels[answer]}</dt><dd>${describeAnswer(answer, record, now)}${answer === 'keep' && takes}</dd>`,
    )}</dl>`;
  }
  const everybody = quorum > 1 ? ` It takes ${quorum} approvals; one denial denies.` : '';
  return markup`<dl>
<dt>Approve</dt><dd>EC2 is asked to accept this endpoint, and the account can reach your service through it. The allowlist stays as it is,
unless the account is allowed with it.${everybody}</dd>
<dt>Deny</dt><dd>It is for good: a rejected endpoint stays rejected, and its owner pays for it by the hour until they delete it. AWS tells
them no reason, so tell them yourself.</dd>
</dl>`;
}
