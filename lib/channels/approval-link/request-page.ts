import type { ApprovalView } from '../../approvals/approval-view.ts';
import {
  connectedLabels,
  describeConnectedAction,
  selectConnectedActions,
} from '../../approvals/connected-commands.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import {
  knownAccountText,
  openReasons,
  questionText,
  reasonHeadings,
  requestFacts,
  statusText,
} from '../../approvals/status-text.ts';
import { connectedAnswerByPurpose, decisionForm, type FormState } from './decision-form.ts';
import { type EscapedHtml, escapedHtml, type Page, paragraphs } from './html.ts';
import type { LinkClaims } from './link.ts';

/** All that an approver needs to decide a request, and the form that decides it the one way the link is for. */
export function requestPage(view: ApprovalView, claims: LinkClaims, now: Date, draft: FormState = {}): Page {
  const { record } = view;
  const approvalKind = computeApprovalKind(record);
  const isRequest = approvalKind === 'new-connection';
  const answer = connectedAnswerByPurpose[claims.purpose];
  return {
    title: requestPageTitle(view, claims),
    body: escapedHtml`
<p>${questionText(view)} Nothing is decided until you send the form below.</p>
${!isRequest && escapedHtml`<p class="note"><strong>${connectedLabels[answer]}:</strong> ${describeConnectedAction(answer, record, now)}</p>`}
${draft.problems && escapedHtml`<p class="alarm" role="alert">Nothing was decided: the form lacks something, marked below.</p>`}
${pageSection(isRequest ? 'The request' : 'The connection', factList(view))}
${pageSection('How it stands', paragraphs(statusText(record)))}
${pageSection(reasonHeadings[approvalKind], bulletList(openReasons(record)))}
${pageSection('This account here before', bulletList(knownAccountText(view)))}
${pageSection(isRequest ? 'What your answer does' : 'What each answer does', answersExplanation(view, now))}
${decisionForm(view, claims, draft)}`,
  };
}

function requestPageTitle({ record }: ApprovalView, { purpose }: LinkClaims): string {
  const account = `account ${record.ownerAccountId}`;
  if (computeApprovalKind(record) === 'new-connection')
    return `${purpose === 'approve' ? 'Approve' : 'Deny'} ${account}?`;
  return {
    approve: `Keep ${account} connected?`,
    extend: `Extend the connection of ${account} by 14 days?`,
    deny: `Disconnect ${account} now?`,
  }[purpose];
}

function pageSection(title: string, content: EscapedHtml): EscapedHtml {
  return escapedHtml`<section><h2>${title}</h2>${content}</section>`;
}

function bulletList(lines: readonly string[]): EscapedHtml {
  return escapedHtml`<ul>${lines.map((line) => escapedHtml`<li>${line}</li>`)}</ul>`;
}

function factList(view: ApprovalView): EscapedHtml {
  return escapedHtml`<dl>${requestFacts(view).map(([name, value]) => escapedHtml`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function answersExplanation({ record, group: { quorum } }: ApprovalView, now: Date): EscapedHtml {
  if (computeApprovalKind(record) !== 'new-connection') {
    const takes =
      quorum > 1 ? ` It takes ${quorum} people to keep it; one extends it, and one disconnects it.` : '';
    return escapedHtml`<dl>${selectConnectedActions(record).map(
      (answer) =>
        escapedHtml`<dt>${connectedLabels[answer]}</dt><dd>${describeConnectedAction(answer, record, now)}${answer === 'keep' && takes}</dd>`,
    )}</dl>`;
  }
  const everybody = quorum > 1 ? ` It takes ${quorum} approvals; one denial denies.` : '';
  return escapedHtml`<dl>
<dt>Approve</dt><dd>EC2 is asked to accept this endpoint, and the account can reach your service through it. The allowlist stays as it is,
unless the account is allowed with it.${everybody}</dd>
<dt>Deny</dt><dd>It is for good: a rejected endpoint stays rejected, and its owner pays for it by the hour until they delete it. AWS tells
them no reason, so tell them yourself.</dd>
</dl>`;
}
