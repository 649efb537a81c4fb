import type { ApprovalView } from '../../approvals/approval-view.ts';
import { type ConnectedAnswer, connectedLabels } from '../../approvals/connected-commands.ts';
import { approvalKindOf } from '../../approvals/status.ts';
import { replacedEntryText } from '../../approvals/status-text.ts';
import { allowDurations, type Field, type FormValues, type Problems } from './form.ts';
import type { LinkClaims } from './link.ts';
import { type EscapedHtml, escapedHtml } from './page.ts';

/** A form that somebody has filled in, and is to put right. */
export interface FormState {
  readonly entered?: FormValues;
  readonly problems?: Problems;
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
<button class="${purpose === 'deny' ? 'deny' : 'approve'}">${labelOf(purpose, view)}</button>
<p class="quiet">It is recorded as the word of ${address}.</p>
</form>`;
}

function labelOf(purpose: LinkClaims['purpose'], { record }: ApprovalView): string {
  if (approvalKindOf(record) !== 'new-connection') return connectedLabels[answerOf[purpose]];
  return purpose === 'approve' ? 'Approve' : 'Deny';
}

/** What a link about a connection answers. */
export const answerOf = {
  approve: 'keep',
  extend: 'extend',
  deny: 'disconnect',
} as const satisfies Record<LinkClaims['purpose'], ConnectedAnswer>;

function reasonField({ entered, problems }: FormState): EscapedHtml {
  const input = escapedHtml`<textarea ${attributesOf('reason', problems)} rows="3" required>${entered?.reason}</textarea>`;
  return field('reason', 'Reason', input, problems);
}

function ticketField({ entered, problems }: FormState): EscapedHtml {
  const input = escapedHtml`<input ${attributesOf('ticket', problems)} type="text" autocomplete="off" value="${entered?.ticket}" required>`;
  return field('ticket', 'Ticket', input, problems);
}

function allowField(view: ApprovalView, { entered, problems }: FormState): EscapedHtml {
  const options = allowDurations.map(
    (value) =>
      escapedHtml`<option value="${value}"${value === entered?.allow && escapedHtml` selected`}>${nameOfAllowance(value)}</option>`,
  );
  const input = escapedHtml`<select ${attributesOf('allow', problems)}>${options}</select>`;
  const { ownerAccountId } = view.record;
  return escapedHtml`${field('allow', `Allow account ${ownerAccountId} at ${view.service.name} too?`, input, problems)}
<p class="quiet">What it asks for is then accepted without asking, what waits now too.${replaced(view)}${allHaveTo(view)}</p>`;
}

function blockField(view: ApprovalView, { entered }: FormState): EscapedHtml {
  const { record, service } = view;
  return escapedHtml`<div class="field"><label class="choice">
<input type="checkbox" name="block" value="yes"${entered?.block === 'yes' && escapedHtml` checked`}>
<span>Block account ${record.ownerAccountId} at ${service.name} too: whatever it asks for later is rejected.${replaced(view)}</span>
</label></div>`;
}

function field(name: Field, label: string, input: EscapedHtml, problems: Problems = {}): EscapedHtml {
  const problem = problems[name];
  return escapedHtml`<div class="field"><label for="${name}">${label}</label>
${input}${problem && escapedHtml`<p class="alarm" id="${name}-problem">${problem}</p>`}</div>`;
}

/** Without scripts, the focus is all that leads to what is to be put right. */
function attributesOf(name: Field, problems: Problems = {}): EscapedHtml {
  const isFirst = Object.keys(problems)[0] === name;
  return escapedHtml`id="${name}" name="${name}"${
    problems[name] && escapedHtml` aria-invalid="true" aria-describedby="${name}-problem"`
  }${isFirst && escapedHtml` autofocus`}`;
}

function nameOfAllowance(value: (typeof allowDurations)[number]): string {
  if (value === '') return 'No, this endpoint alone';
  return value === 'for-good' ? 'Yes, for good' : `Yes, for ${value} days`;
}

function replaced({ entries }: ApprovalView): string {
  return replacedEntryText(entries)
    .map((told) => ` ${told}`)
    .join('');
}

function allHaveTo({ group }: ApprovalView): string {
  return group.quorum > 1 ? ' It takes all who approve to choose so; the earliest expiry counts.' : '';
}
