import * as v from 'valibot';
import { connectedLabels, selectConnectedActions } from '../../approvals/connected-actions.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { formatTime } from '../../approvals/status-text.ts';
import { areAllNewConnections, countBy, findServiceName, waitingText } from '../../approvals/summary.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { actionIds, buttonValue } from './actions.ts';
import { actions, type Block, button, input, type ModalView, modal, section, select } from './blocks.ts';
import type { DigestRequests } from './digest-message.ts';
import type { FieldValues } from './interaction.ts';
import { joinMarkup, type Markup, markup } from './mrkdwn.ts';
import {
  type ApprovalAnswer,
  approvalAnswers,
  isApprovalAnswer,
  isConnectedAnswer,
  reasonInput,
  ticketInput,
} from './request-modal.ts';

export const digestModalCallbackId = 'digest';

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The `private_metadata` of the modal: the digest, the message that opened it, and the shown page. */
export const DigestMetadata = v.object({
  digest: v.string(),
  channel: v.string(),
  ts: v.string(),
  /** The number of members when the modal opened. The modal neither shows nor decides later members. */
  members: Count,
  page: Count,
  /** The number of earlier submissions. */
  round: Count,
  /** ISO 8601: the time when linkgate rendered the page. A submission does not extend a connection that was extended later. */
  renderedAt: v.exactOptional(v.string()),
});
export type DigestMetadata = v.InferOutput<typeof DigestMetadata>;

const requestsPerPage = 10;
/** The prefix of the `action_id` of a request's field. The button value of the request follows it. */
const requestFieldPrefix = 'request:';
export const accountFieldName = 'account';

const answerLabels: Readonly<Record<ApprovalAnswer, string>> = {
  approve: 'Approve',
  deny: 'Deny',
  ...connectedLabels,
};

function possibleAnswers(record: ConnectionRecord): readonly ApprovalAnswer[] {
  return computeApprovalKind(record) === 'new-connection'
    ? ['approve', 'deny']
    : selectConnectedActions(record);
}

/** Renders a page with a field for each request, and one for all requests of an account. */
export function digestPage(digest: DigestRequests, metadata: DigestMetadata, resultText?: Markup): ModalView {
  const open = digest.records.filter(isAwaitingApproval);
  const pages = Math.max(Math.ceil(open.length / requestsPerPage), 1);
  const page = Math.min(metadata.page, pages - 1);
  const pageRecords = open.slice(page * requestsPerPage, (page + 1) * requestsPerPage);
  const statusSentence =
    open.length > 0 ? `${waitingText(open, digest.records.length)}.` : 'All requests are decided.';
  const count = `${statusSentence} Page ${page + 1} of ${pages}.`;
  const blocks: Block[] = [
    section(
      joinMarkup([
        ...(resultText ? [resultText] : []),
        count,
        ...(areAllNewConnections(open) ? [] : [connectedAnswersHelp]),
      ]),
    ),
    ...(open.length > 0
      ? [
          accountInput(open),
          ...pageRecords.map((record) => requestInput(record, digest)),
          reasonInput('Reason (required to deny and to disconnect)', true),
          ...(digest.services.some(({ requireTicket }) => requireTicket) ? [ticketInput()] : []),
        ]
      : []),
    ...(pages > 1 ? [pageButtons(page, pages)] : []),
  ];
  return modal({
    title: areAllNewConnections(digest.records) ? 'Decide requests' : 'Decide connections',
    blocks: blocks.map((block) => withRoundBlockId(block, metadata.round)),
    callbackId: digestModalCallbackId,
    metadata: { ...metadata, page },
    ...(open.length > 0 && { submit: 'Decide' }),
  });
}

const connectedAnswersHelp = markup`For a connection: *${connectedLabels.keep}* keeps it permanently and does not change the allowlist. *${connectedLabels.extend}* keeps it for 14 days after the time below. *${connectedLabels.disconnect}* disconnects it immediately and permanently: the owner pays for the endpoint until they delete it and create a new one.`;

/**
 * Sets a new `block_id` for each submission, which empties the inputs: Slack keeps the values of inputs with the same `block_id`
 * when a view replaces another.
 */
function withRoundBlockId(block: Block, round: number): Block {
  return block.type === 'input' ? { ...block, block_id: roundBlockId(round, String(block.block_id)) } : block;
}

export function roundBlockId(round: number, field: string): string {
  return `${field}.${round}`;
}

function requestInput(record: ConnectionRecord, { services }: DigestRequests): Block {
  const { ownerAccountId, endpointId, endpointRegion, location, serviceId } = record;
  const name = findServiceName(serviceId, services);
  const label = `${ownerAccountId} to ${name}: ${endpointId} in ${endpointRegion ?? location.region}${modalDeadlineText(record)}`;
  const options = possibleAnswers(record).map((answer) => ({ text: answerLabels[answer], value: answer }));
  const element = select(`${requestFieldPrefix}${buttonValue(record)}`, options, 'Leave it open');
  return input(label, element, { isOptional: true });
}

function modalDeadlineText(record: ConnectionRecord): string {
  const approvalKind = computeApprovalKind(record);
  if (approvalKind === 'new-connection') return '';
  const { approvalRequest } = record;
  return approvalKind === 'scheduled-disconnect' && approvalRequest
    ? `, connected, scheduled disconnect on ${formatTime(approvalRequest.deadline)}`
    : ', connected';
}

/**
 * Offers each answer for all requests of an account that permit it. Slack limits the number of options, so accounts with the most
 * requests come first.
 */
function accountInput(open: readonly ConnectionRecord[]): Block {
  const accounts = countBy(open, ({ ownerAccountId }) => ownerAccountId);
  const options = accounts.flatMap(([account]) => {
    const possible = open.filter(({ ownerAccountId }) => ownerAccountId === account).flatMap(possibleAnswers);
    const counts = new Map(countBy(possible, (answer) => answer));
    return approvalAnswers.flatMap((answer) => {
      const count = counts.get(answer);
      const text = `${answerLabels[answer]}${isConnectedAnswer(answer) ? ':' : ''} all ${count} of ${account}`;
      return count === undefined ? [] : [{ text, value: `${answer}:${account}` }];
    });
  });
  return input('All from one account', select(accountFieldName, options, 'No answer for a whole account'), {
    isOptional: true,
  });
}

function pageButtons(page: number, pages: number): Block {
  const pageButton = (text: string, target: number) =>
    button({ text, actionId: `${actionIds.digestPage}:${target}`, value: String(target) });
  return actions('pages', [
    ...(page > 0 ? [pageButton('Previous page', page - 1)] : []),
    ...(page < pages - 1 ? [pageButton('Next page', page + 1)] : []),
  ]);
}

/** The selections of one page. */
export interface DigestSelections {
  /** The selections by the button value of the request. */
  readonly byRequest: ReadonlyMap<string, ApprovalAnswer>;
  readonly account?: { readonly id: string; readonly answer: ApprovalAnswer };
}

export function parseSelections(fieldValues: FieldValues): DigestSelections {
  const selections = [...fieldValues].flatMap(([field, answer]) =>
    field.startsWith(requestFieldPrefix) && isApprovalAnswer(answer)
      ? [[field.slice(requestFieldPrefix.length), answer] as const]
      : [],
  );
  const [answer, id] = (fieldValues.get(accountFieldName) ?? '').split(':');
  return {
    byRequest: new Map(selections),
    ...(id !== undefined && isApprovalAnswer(answer) && { account: { id, answer } }),
  };
}

/**
 * Returns the selected answer for a request, if the request permits it. The field of the request has precedence over that of its
 * account.
 */
export function selectedAnswer(
  { byRequest, account }: DigestSelections,
  record: ConnectionRecord,
): ApprovalAnswer | undefined {
  const accountAnswer = record.ownerAccountId === account?.id ? account.answer : undefined;
  const answer = byRequest.get(buttonValue(record) ?? '') ?? accountAnswer;
  return answer && possibleAnswers(record).includes(answer) ? answer : undefined;
}
