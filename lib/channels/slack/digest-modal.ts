import * as v from 'valibot';
import { answersFor, connectedLabels } from '../../approvals/connected-commands.ts';
import { approvalKindOf } from '../../approvals/status.ts';
import { formatTime } from '../../approvals/status-text.ts';
import { areAllRequests, countBy, serviceName, waitingText } from '../../approvals/summary.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { actionIds, buttonValue } from './actions.ts';
import { actions, type Block, button, input, modal, section, select, type View } from './blocks.ts';
import type { Digest } from './digest-message.ts';
import type { SlashCommand } from './interaction.ts';
import { joined, type Markup, markup } from './mrkdwn.ts';
import { type Answer, answers, isAnswer, isOfConnected, reasonInput, ticketInput } from './request-modal.ts';

export const digestModal = 'digest';

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
const oneRequest = 'request:';
export const allFromAccount = 'account';

const labels: Readonly<Record<Answer, string>> = { approve: 'Approve', deny: 'Deny', ...connectedLabels };

function answersTo(record: ConnectionRecord): readonly Answer[] {
  return approvalKindOf(record) === 'new-connection' ? ['approve', 'deny'] : answersFor(record);
}

/** Lets people decide one request after another, or all of an account at once. */
export function digestPage(digest: Digest, metadata: DigestMetadata, happened?: Markup): View {
  const open = digest.records.filter(isAwaitingApproval);
  const pages = Math.max(Math.ceil(open.length / requestsPerPage), 1);
  const page = Math.min(metadata.page, pages - 1);
  const shown = open.slice(page * requestsPerPage, (page + 1) * requestsPerPage);
  const waiting = open.length > 0 ? `${waitingText(open, digest.records.length)}.` : 'All are decided.';
  const count = `${waiting} Page ${page + 1} of ${pages}.`;
  const blocks: Block[] = [
    section(
      joined([...(happened ? [happened] : []), count, ...(areAllRequests(open) ? [] : [connectedMeaning])]),
    ),
    ...(open.length > 0
      ? [
          allOf(open),
          ...shown.map((record) => requestInput(record, digest)),
          reasonInput('Reason (needed to deny and to disconnect)', true),
          ...(digest.services.some(({ requireTicket }) => requireTicket) ? [ticketInput()] : []),
        ]
      : []),
    ...(pages > 1 ? [turning(page, pages)] : []),
  ];
  return modal({
    title: areAllRequests(digest.records) ? 'Decide requests' : 'Decide connections',
    blocks: blocks.map((block) => inRound(block, metadata.round)),
    callbackId: digestModal,
    metadata: { ...metadata, page },
    ...(open.length > 0 && { submit: 'Decide' }),
  });
}

const connectedMeaning = markup`Of a connection: *${connectedLabels.keep}* lets it stay for good, and the allowlist stays as it is. *${connectedLabels.extend}* lets it stay 14 days longer than is said below. *${connectedLabels.disconnect}* disconnects it at once, and for good: its owner pays for the endpoint until they delete it and create a new one.`;

/**
 * In a view that takes the place of another, Slack keeps what stands in inputs whose names are the same. What was chosen for
 * one submission is not chosen for the next.
 */
function inRound(block: Block, round: number): Block {
  return block.type === 'input' ? { ...block, block_id: findBlock(round, String(block.block_id)) } : block;
}

export function findBlock(round: number, field: string): string {
  return `${field}.${round}`;
}

function requestInput(record: ConnectionRecord, { services }: Digest): Block {
  const { ownerAccountId, endpointId, endpointRegion, location, serviceId } = record;
  const name = serviceName(serviceId, services);
  const label = `${ownerAccountId} to ${name}: ${endpointId} in ${endpointRegion ?? location.region}${standsUntil(record)}`;
  const options = answersTo(record).map((answer) => ({ text: labels[answer], value: answer }));
  const element = select(`${oneRequest}${buttonValue(record)}`, options, 'Leave it open');
  return input(label, element, { isOptional: true });
}

function standsUntil(record: ConnectionRecord): string {
  const approvalKind = approvalKindOf(record);
  if (approvalKind === 'new-connection') return '';
  const { approvalRequest } = record;
  return approvalKind === 'scheduled-disconnect' && approvalRequest
    ? `, connected, to be disconnected on ${formatTime(approvalRequest.deadline)}`
    : ', connected';
}

/** An answer goes to those of an account that can be given it. The accounts that ask most come first, as many as Slack takes. */
function allOf(open: readonly ConnectionRecord[]): Block {
  const accounts = countBy(open, ({ ownerAccountId }) => ownerAccountId);
  const options = accounts.flatMap(([account]) => {
    const given = open.filter(({ ownerAccountId }) => ownerAccountId === account).flatMap(answersTo);
    const counts = new Map(countBy(given, (answer) => answer));
    return answers.flatMap((answer) => {
      const count = counts.get(answer);
      const text = `${labels[answer]}${isOfConnected(answer) ? ':' : ''} all ${count} of ${account}`;
      return count === undefined ? [] : [{ text, value: `${answer}:${account}` }];
    });
  });
  return input('All from one account', select(allFromAccount, options, 'Nothing for a whole account'), {
    isOptional: true,
  });
}

function turning(page: number, pages: number): Block {
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
  readonly each: ReadonlyMap<string, Answer>;
  readonly account?: { readonly id: string; readonly answer: Answer };
}

export function parseSelections(typed: SlashCommand): DigestSelections {
  const each = [...typed].flatMap(([field, chosen]) =>
    field.startsWith(oneRequest) && isAnswer(chosen)
      ? [[field.slice(oneRequest.length), chosen] as const]
      : [],
  );
  const [answer, id] = (typed.get(allFromAccount) ?? '').split(':');
  return {
    each: new Map(each),
    ...(id !== undefined && isAnswer(answer) && { account: { id, answer } }),
  };
}

/** The answer that a page gives to what is open and can be given it; one chosen by itself comes before that for its account. */
export function answerIn({ each, account }: DigestSelections, record: ConnectionRecord): Answer | undefined {
  const ofAccount = record.ownerAccountId === account?.id ? account.answer : undefined;
  const answer = each.get(buttonValue(record) ?? '') ?? ofAccount;
  return answer && answersTo(record).includes(answer) ? answer : undefined;
}
