import type { ApprovalView } from '../../approvals/approval-view.ts';
import { type ConnectedAction, connectedLabels } from '../../approvals/connected-commands.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { replacedEntryText } from '../../approvals/status-text.ts';
import { allowDurations, type FormFieldName, type FormProblems, type FormValues } from './form.ts';
import { type EscapedHtml, escapedHtml } from './html.ts';
import type { LinkClaims } from './link.ts';

/** A form that somebody has filled in, and is to put right. */
export interface FormState {
  readonly formValues?: FormValues;
  readonly problems?: FormProblems;
}

/** It is sent to the address that it came from, so that the link's token is all that proves whose word it is. */
export function decisionForm(
  view: ApprovalView,
  { purpose, address }: LinkClaims,
  draft: FormState,
): EscapedHtml {
  const fields = {
    approve: () => [view.service.requireTicket && ticketField(draft), allowField(view, draft)],
    extend: () => [],
    deny: () => [view.service.requireTicket && ticketField(draft), blockField(view, draft)],
  }[purpose]();
  return escapedHtml`<form method="post">
<h2>Your decision</h2>
${[reasonField(draft), ...fields]}
<button class="${purpose === 'deny' ? 'deny' : 'approve'}">${submitButtonLabel(purpose, view)}</button>
<p class="quiet">It is recorded as the word of ${address}.</p>
</form>`;
}

function submitButtonLabel(purpose: LinkClaims['purpose'], { record }: ApprovalView): string {
  if (computeApprovalKind(record) !== 'new-connection')
    return connectedLabels[connectedAnswerByPurpose[purpose]];
  return purpose === 'approve' ? 'Approve' : 'Deny';
}

/** What a link about a connection answers. */
export const connectedAnswerByPurpose = {
  approve: 'keep',
  extend: 'extend',
  deny: 'disconnect',
} as const satisfies Record<LinkClaims['purpose'], ConnectedAction>;

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
  return escapedHtml`${formField('allow', `Allow account ${ownerAccountId} at ${view.service.name} too?`, input, problems)}
<p class="quiet">What it asks for is then accepted without asking, what waits now too.${replacedEntryNote(view)}${quorumNote(view)}</p>`;
}

function blockField(view: ApprovalView, { formValues }: FormState): EscapedHtml {
  const { record, service } = view;
  return escapedHtml`<div class="field"><label class="choice">
<input type="checkbox" name="block" value="yes"${formValues?.block === 'yes' && escapedHtml` checked`}>
<span>Block account ${record.ownerAccountId} at ${service.name} too: whatever it asks for later is rejected.${replacedEntryNote(view)}</span>
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

/** Without scripts, the focus is all that leads to what is to be put right. */
function inputAttributes(name: FormFieldName, problems: FormProblems = {}): EscapedHtml {
  const isFirst = Object.keys(problems)[0] === name;
  return escapedHtml`id="${name}" name="${name}"${
    problems[name] && escapedHtml` aria-invalid="true" aria-describedby="${name}-problem"`
  }${isFirst && escapedHtml` autofocus`}`;
}

function allowDurationLabel(value: (typeof allowDurations)[number]): string {
  if (value === '') return 'No, this endpoint alone';
  return value === 'for-good' ? 'Yes, for good' : `Yes, for ${value} days`;
}

function replacedEntryNote({ entries }: ApprovalView): string {
  return replacedEntryText(entries)
    .map((told) => ` ${told}`)
    .join('');
}

function quorumNote({ group }: ApprovalView): string {
  return group.quorum > 1 ? ' It takes all who approve to choose so; the earliest expiry counts.' : '';
}
