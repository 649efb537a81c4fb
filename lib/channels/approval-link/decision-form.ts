import { actionLabels } from '../../approvals/action-text.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import { replacedEntryText } from '../../approvals/entry-text.ts';
import { type ApprovalAction, computeApprovalKind } from '../../approvals/status.ts';
import { allowDurations, type FormFieldName, type FormProblems, type FormValues } from './form.ts';
import { type EscapedHtml, escapedHtml } from './html.ts';
import type { LinkClaims } from './link.ts';

/** The submitted values of a form, and the problems that the page shows next to its fields. */
export interface FormState {
  readonly formValues?: FormValues;
  readonly problems?: FormProblems;
}

/** Renders the form, which posts to its own URL: the token in the link alone identifies the approver. */
export function decisionForm(view: ApprovalView, claims: LinkClaims, form: FormState): EscapedHtml {
  const { purpose, address } = claims;
  const fields = {
    approve: () => [view.service.requireTicket && ticketField(form), allowField(view, form)],
    extend: () => [],
    deny: () => [view.service.requireTicket && ticketField(form), blockField(view, form)],
  }[purpose]();
  return escapedHtml`<form method="post">
<h2>Your decision</h2>
${[reasonField(form), ...fields]}
<button class="${purpose === 'deny' ? 'deny' : 'approve'}">${actionLabels[selectLinkAction(view, claims)]}</button>
<p class="quiet">linkgate records this decision as yours: ${address}.</p>
</form>`;
}

/** Selects the action of a link, which depends on what is to be decided when its reader opens it. */
export function selectLinkAction({ record }: ApprovalView, { purpose }: LinkClaims): ApprovalAction {
  if (purpose === 'extend') return 'extend';
  if (computeApprovalKind(record) === 'new-connection') return purpose;
  return purpose === 'approve' ? 'keep' : 'disconnect';
}

function reasonField({ formValues, problems }: FormState): EscapedHtml {
  const input = escapedHtml`<textarea ${inputAttributes('reason', problems)} rows="3" required>${formValues?.reason}</textarea>`;
  return formField('reason', 'Reason', input, problems);
}

function ticketField({ formValues, problems }: FormState): EscapedHtml {
  const input = escapedHtml`<input ${inputAttributes('ticket', problems)} type="text" autocomplete="off" value="${formValues?.ticket}" required>`;
  return formField('ticket', 'Ticket', input, problems);
}

function allowField(view: ApprovalView, { formValues, problems }: FormState): EscapedHtml {
  const options = allowDurations.map(
    (value) =>
      escapedHtml`<option value="${value}"${value === formValues?.allow && escapedHtml` selected`}>${allowDurationLabel(value)}</option>`,
  );
  const input = escapedHtml`<select ${inputAttributes('allow', problems)}>${options}</select>`;
  const { ownerAccountId } = view.record;
  return escapedHtml`${formField('allow', `Also allow account ${ownerAccountId} at ${view.service.name}?`, input, problems)}
<p class="quiet">linkgate then accepts its requests without approval, those that wait now too.${replacedEntryNote(view)}${quorumNote(view)}</p>`;
}

function blockField(view: ApprovalView, { formValues }: FormState): EscapedHtml {
  const { record, service } = view;
  return escapedHtml`<div class="field"><label class="choice">
<input type="checkbox" name="block" value="yes"${formValues?.block === 'yes' && escapedHtml` checked`}>
<span>Also block account ${record.ownerAccountId} at ${service.name}: linkgate rejects its later requests.${replacedEntryNote(view)}</span>
</label></div>`;
}

function formField(
  name: FormFieldName,
  label: string,
  input: EscapedHtml,
  problems: FormProblems = {},
): EscapedHtml {
  const problem = problems[name];
  return escapedHtml`<div class="field"><label for="${name}">${label}</label>
${input}${problem && escapedHtml`<p class="alarm" id="${name}-problem">${problem}</p>`}</div>`;
}

/** Sets `autofocus`, which scrolls to the first problem, because the page has no scripts. */
function inputAttributes(name: FormFieldName, problems: FormProblems = {}): EscapedHtml {
  const isFirst = Object.keys(problems)[0] === name;
  return escapedHtml`id="${name}" name="${name}"${
    problems[name] && escapedHtml` aria-invalid="true" aria-describedby="${name}-problem"`
  }${isFirst && escapedHtml` autofocus`}`;
}

function allowDurationLabel(value: (typeof allowDurations)[number]): string {
  if (value === '') return 'No, only this endpoint';
  return value === 'permanent' ? 'Yes, permanently' : `Yes, for ${value} days`;
}

function replacedEntryNote({ entries }: ApprovalView): string {
  return replacedEntryText(entries)
    .map((sentence) => ` ${sentence}`)
    .join('');
}

function quorumNote({ group }: ApprovalView): string {
  return group.quorum > 1
    ? ' The account is allowed only if every approver chooses this; the earliest expiry counts.'
    : '';
}
