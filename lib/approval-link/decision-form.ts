import { type ConnectedAnswer, connectedLabels } from '../approval/connected.ts';
import type { RequestView } from '../approval/request-view.ts';
import { matterOf } from '../approval/standing.ts';
import { replacedIn } from '../approval/words.ts';
import { allowances, type Entered, type Field, type Problems } from './form.ts';
import type { LinkClaims } from './link.ts';
import { type Markup, markup } from './page.ts';

/** A form that somebody has filled in, and is to put right. */
export interface Draft {
  readonly entered?: Entered;
  readonly problems?: Problems;
}

/** It is sent to the address that it came from, so that the link's token is all that proves whose word it is. */
export function decisionForm(view: RequestView, { purpose, address }: LinkClaims, draft: Draft): Markup {
  const fields = {
    approve: () => [view.service.requireTicket && ticketField(draft), allowField(view, draft)],
    extend: () => [],
    deny: () => [view.service.requireTicket && ticketField(draft), blockField(view, draft)],
  }[purpose]();
  return markup`<form method="post">
<h2>Your decision</h2>
${[reasonField(draft), ...fields]}
<button class="${purpose === 'deny' ? 'deny' : 'approve'}">${labelOf(purpose, view)}</button>
<p class="quiet">It is recorded as the word of ${address}.</p>
</form>`;
}

function labelOf(purpose: LinkClaims['purpose'], { record }: RequestView): string {
  if (matterOf(record) !== 'request') return connectedLabels[answerOf[purpose]];
  return purpose === 'approve' ? 'Approve' : 'Deny';
}

/** What a link about a connection answers. */
export const answerOf = {
  approve: 'keep',
  extend: 'extend',
  deny: 'disconnect',
} as const satisfies Record<LinkClaims['purpose'], ConnectedAnswer>;

function reasonField({ entered, problems }: Draft): Markup {
  const input = markup`<textarea ${attributesOf('reason', problems)} rows="3" required>${entered?.reason}</textarea>`;
  return field('reason', 'Reason', input, problems);
}

function ticketField({ entered, problems }: Draft): Markup {
  const input = markup`<input ${attributesOf('ticket', problems)} type="text" autocomplete="off" value="${entered?.ticket}" required>`;
  return field('ticket', 'Ticket', input, problems);
}

function allowField(view: RequestView, { entered, problems }: Draft): Markup {
  const options = allowances.map(
    (value) =>
      markup`<option value="${value}"${value === entered?.allow && markup` selected`}>${nameOfAllowance(value)}</option>`,
  );
  const input = markup`<select ${attributesOf('allow', problems)}>${options}</select>`;
  const { ownerAccountId } = view.record;
  return markup`${field('allow', `Allow account ${ownerAccountId} at ${view.service.name} too?`, input, problems)}
<p class="quiet">What it asks for is then accepted without asking, what waits now too.${replaced(view)}${allHaveTo(view)}</p>`;
}

function blockField(view: RequestView, { entered }: Draft): Markup {
  const { record, service } = view;
  return markup`<div class="field"><label class="choice">
<input type="checkbox" name="block" value="yes"${entered?.block === 'yes' && markup` checked`}>
<span>Block account ${record.ownerAccountId} at ${service.name} too: whatever it asks for later is rejected.${replaced(view)}</span>
</label></div>`;
}

function field(name: Field, label: string, input: Markup, problems: Problems = {}): Markup {
  const problem = problems[name];
  return markup`<div class="field"><label for="${name}">${label}</label>
${input}${problem && markup`<p class="alarm" id="${name}-problem">${problem}</p>`}</div>`;
}

/** Without scripts, the focus is all that leads to what is to be put right. */
function attributesOf(name: Field, problems: Problems = {}): Markup {
  const isFirst = Object.keys(problems)[0] === name;
  return markup`id="${name}" name="${name}"${
    problems[name] && markup` aria-invalid="true" aria-describedby="${name}-problem"`
  }${isFirst && markup` autofocus`}`;
}

function nameOfAllowance(value: (typeof allowances)[number]): string {
  if (value === '') return 'No, this endpoint alone';
  return value === 'for-good' ? 'Yes, for good' : `Yes, for ${value} days`;
}

function replaced({ entries }: RequestView): string {
  return replacedIn(entries)
    .map((told) => ` ${told}`)
    .join('');
}

function allHaveTo({ group }: RequestView): string {
  return group.quorum > 1 ? ' It takes all who approve to choose so; the earliest expiry counts.' : '';
}
