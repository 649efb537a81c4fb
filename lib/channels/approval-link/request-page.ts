import type { ApprovalView } from '../../approvals/approval-view.ts';
import {
  connectedLabels,
  describeConnectedAction,
  selectConnectedActions,
} from '../../approvals/connected-actions.ts';
import { ownerAccountText } from '../../approvals/owner-account-text.ts';
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

/** Shows an approver the request, and a form for the one action of the link. */
export function requestPage(view: ApprovalView, claims: LinkClaims, now: Date, form: FormState = {}): Page {
  const { record } = view;
  const approvalKind = computeApprovalKind(record);
  const isRequest = approvalKind === 'new-connection';
  const action = connectedAnswerByPurpose[claims.purpose];
  return {
    title: requestPageTitle(view, claims),
    body: escapedHtml`
<p>${questionText(view)} Your decision counts only when you submit the form below.</p>
${!isRequest && escapedHtml`<p class="note"><strong>${connectedLabels[action]}:</strong> ${describeConnectedAction(action, record, now)}</p>`}
${form.problems && escapedHtml`<p class="alarm" role="alert">linkgate recorded no decision. Correct the marked fields below.</p>`}
${pageSection(isRequest ? 'The request' : 'The connection', factList(view))}
${pageSection('Current status', paragraphs(statusText(record)))}
${pageSection(reasonHeadings[approvalKind], bulletList(openReasons(record)))}
${pageSection('Earlier connections of this account', bulletList(knownAccountText(view)))}
${pageSection(isRequest ? 'Effect of your decision' : 'Effect of each decision', answersExplanation(view, now))}
${decisionForm(view, claims, form)}`,
  };
}

function requestPageTitle(view: ApprovalView, { purpose }: LinkClaims): string {
  const account = `account ${ownerAccountText(view)}`;
  if (computeApprovalKind(view.record) === 'new-connection')
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
    const quorumText =
      quorum > 1 ? ` ${quorum} people have to keep it; one person can extend or disconnect it.` : '';
    return escapedHtml`<dl>${selectConnectedActions(record).map(
      (action) =>
        escapedHtml`<dt>${connectedLabels[action]}</dt><dd>${describeConnectedAction(action, record, now)}${action === 'keep' && quorumText}</dd>`,
    )}</dl>`;
  }
  const quorumText = quorum > 1 ? ` ${quorum} people have to approve; one denial is enough to deny.` : '';
  return escapedHtml`<dl>
<dt>Approve</dt><dd>linkgate accepts the connection of this endpoint in EC2, and the account can reach your service through it. The allowlist
does not change unless you also allow the account.${quorumText}</dd>
<dt>Deny</dt><dd>linkgate rejects the connection in EC2, permanently. The owner pays for the endpoint by the hour until they delete it. AWS gives
the owner no reason, so notify them yourself.</dd>
</dl>`;
}
