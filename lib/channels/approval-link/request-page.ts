import { actionLabels, describeAction, explainActions } from '../../approvals/action-text.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import { ownerAccountText } from '../../approvals/owner-account-text.ts';
import {
  knownAccountText,
  openReasons,
  questionText,
  reasonHeadings,
  requestFacts,
} from '../../approvals/request-text.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { statusText } from '../../approvals/status-text.ts';
import type { StyledText } from '../../values/styled-text.ts';
import { decisionForm, type FormState, selectLinkAction } from './decision-form.ts';
import { type EscapedHtml, escapedHtml, type Page, paragraphs, writeHtml } from './html.ts';
import type { LinkClaims } from './link.ts';

/** Shows an approver the request, and a form for the one action of the link. */
export function requestPage(view: ApprovalView, claims: LinkClaims, now: Date, form: FormState = {}): Page {
  const { record } = view;
  const approvalKind = computeApprovalKind(record);
  const isRequest = approvalKind === 'new-connection';
  const action = selectLinkAction(view, claims);
  return {
    title: requestPageTitle(view, claims),
    body: escapedHtml`
<p>${writeHtml(questionText(view))} Your decision counts only when you submit the form below.</p>
${!isRequest && escapedHtml`<p class="note"><strong>${actionLabels[action]}:</strong> ${writeHtml(describeAction(action, record, now))}</p>`}
${form.problems && escapedHtml`<p class="alarm" role="alert">linkgate recorded no decision. Correct the marked fields below.</p>`}
${pageSection(isRequest ? 'The request' : 'The connection', definitionList(requestFacts(view)))}
${pageSection('Current status', paragraphs(statusText(view)))}
${pageSection(reasonHeadings[approvalKind], bulletList(openReasons(record)))}
${pageSection('Earlier connections of this account', bulletList(knownAccountText(view)))}
${pageSection('Effect of each decision', definitionList(explainActions(view, now).map(({ label, effect }) => [label, effect])))}
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

function bulletList(lines: readonly StyledText[]): EscapedHtml {
  return escapedHtml`<ul>${lines.map((line) => escapedHtml`<li>${writeHtml(line)}</li>`)}</ul>`;
}

function definitionList(pairs: readonly (readonly [string, StyledText])[]): EscapedHtml {
  return escapedHtml`<dl>${pairs.map(([name, value]) => escapedHtml`<dt>${name}</dt><dd>${writeHtml(value)}</dd>`)}</dl>`;
}
