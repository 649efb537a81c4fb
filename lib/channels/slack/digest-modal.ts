import * as v from 'valibot';
import { connectedLabels, selectConnectedActions } from '../../approvals/connected-commands.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { formatTime } from '../../approvals/status-text.ts';
import { areAllNewConnections, countBy, findServiceName, waitingText } from '../../approvals/summary.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { actionIds, buttonValue } from './actions.ts';
import { actions, type Block, button, input, type ModalView, modal, section, select } from './blocks.ts';
import type { DigestView } from './digest-message.ts';
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

/** What the modal is bound to: the digest, the message that opened it, and what of it is shown. */
export const DigestMetadata = v.object({
  digest: v.string(),
  channel: v.string(),
  ts: v.string(),
  /** How many members there were: those who have joined since were not shown, and are not decided. */
  members: Count,
  page: Count,
  /** How many submissions came before. */
  round: Count,
  /** ISO 8601: when its page was drawn. What was extended since is not extended again. */
  renderedAt: v.exactOptional(v.string()),
});
export type DigestMetadata = v.InferOutput<typeof DigestMetadata>;

const requestsPerPage = 10;
/** The field of one request, before the value that its buttons would have. */
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

/** Lets people decide one request after another, or all of an account at once. */
export function digestPage(digest: DigestView, metadata: DigestMetadata, happened?: Markup): ModalView {
  const open = digest.records.filter(isAwaitingApproval);
  const pages = Math.max(Math.ceil(open.length / requestsPerPage), 1);
  const page = Math.min(metadata.page, pages - 1);
  const shown = open.slice(page * requestsPerPage, (page + 1) * requestsPerPage);
  const waiting = open.length > 0 ? `${waitingText(open, digest.records.length)}.` : 'All are decided.';
  const count = `${waiting} Page ${page + 1} of ${pages}.`;
  const blocks: Block[] = [
    section(
      joinMarkup([
        ...(happened ? [happened] : []),
        count,
        ...(areAllNewConnections(open) ? [] : [connectedAnswersHelp]),
      ]),
    ),
    ...(open.length > 0
      ? [
          accountInput(open),
          ...shown.map((record) => requestInput(record, digest)),
          reasonInput('Reason (needed to deny and to disconnect)', true),
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

const connectedAnswersHelp = markup`Of a connection: *${connectedLabels.keep}* lets it stay for good, and the allowlist stays as it is. *${connectedLabels.extend}* lets it stay 14 days longer than is said below. *${connectedLabels.disconnect}* disconnects it at once, and for good: its owner pays for the endpoint until they delete it and create a new one.`;

/**
 * In a view that takes the place of another, Slack keeps what stands in inputs whose names are the same. What was chosen for
 * one submission is not chosen for the next.
 */
function withRoundBlockId(block: Block, round: number): Block {
  return block.type === 'input' ? { ...block, block_id: roundBlockId(round, String(block.block_id)) } : block;
}

export function roundBlockId(round: number, field: string): string {
  return `${field}.${round}`;
}

function requestInput(record: ConnectionRecord, { services }: DigestView): Block {
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
    ? `, connected, to be disconnected on ${formatTime(approvalRequest.deadline)}`
    : ', connected';
}

/** An answer goes to those of an account that can be given it. The accounts that ask most come first, as many as Slack takes. */
function accountInput(open: readonly ConnectionRecord[]): Block {
  const accounts = countBy(open, ({ ownerAccountId }) => ownerAccountId);
  const options = accounts.flatMap(([account]) => {
    const given = open.filter(({ ownerAccountId }) => ownerAccountId === account).flatMap(possibleAnswers);
    const counts = new Map(countBy(given, (answer) => answer));
    return approvalAnswers.flatMap((answer) => {
      const count = counts.get(answer);
      const text = `${answerLabels[answer]}${isConnectedAnswer(answer) ? ':' : ''} all ${count} of ${account}`;
      return count === undefined ? [] : [{ text, value: `${answer}:${account}` }];
    });
  });
  return input('All from one account', select(accountFieldName, options, 'Nothing for a whole account'), {
    isOptional: true,
  });
}

function pageButtons(page: number, pages: number): Block {
  const to = (text: string, target: number) =>
    button({ text, actionId: `${actionIds.digestPage}:${target}`, value: String(target) });
  return actions('pages', [
    ...(page > 0 ? [to('Previous page', page - 1)] : []),
    ...(page < pages - 1 ? [to('Next page', page + 1)] : []),
  ]);
}

/** What was chosen in a page. */
export interface DigestSelections {
  /** By the value that the request's buttons would have. */
  readonly byRequest: ReadonlyMap<string, ApprovalAnswer>;
  readonly account?: { readonly id: string; readonly answer: ApprovalAnswer };
}

export function parseSelections(typed: FieldValues): DigestSelections {
  const each = [...typed].flatMap(([field, chosen]) =>
    field.startsWith(requestFieldPrefix) && isApprovalAnswer(chosen)
      ? [[field.slice(requestFieldPrefix.length), chosen] as const]
      : [],
  );
  const [answer, id] = (typed.get(accountFieldName) ?? '').split(':');
  return {
    byRequest: new Map(each),
    ...(id !== undefined && isApprovalAnswer(answer) && { account: { id, answer } }),
  };
}

/** The answer that a page gives to what is open and can be given it; one chosen by itself comes before that for its account. */
export function selectedAnswer(
  { byRequest, account }: DigestSelections,
  record: ConnectionRecord,
): ApprovalAnswer | undefined {
  const ofAccount = record.ownerAccountId === account?.id ? account.answer : undefined;
  const answer = byRequest.get(buttonValue(record) ?? '') ?? ofAccount;
  return answer && possibleAnswers(record).includes(answer) ? answer : undefined;
}
