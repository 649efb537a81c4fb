import * as v from 'valibot';
import { matterOf } from '../approval/standing.ts';
import { areRequests, counted, serviceName, waitingIn } from '../approval/tally.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import {
  actions,
  type Block,
  button,
  input,
  modal,
  type Option,
  section,
  select,
  type View,
} from './blocks.ts';
import { joined, limits, type Markup, markup } from './boundary.ts';
import { buttonValue, clicks } from './buttons.ts';
import type { Digest } from './digest-message.ts';
import type { Typed } from './interaction.ts';
import { type Metadata, reasonInput, ticketInput } from './request-modal.ts';

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
});
export type DigestMetadata = v.InferOutput<typeof DigestMetadata>;

const requestsPerPage = 10;
/** The field of one request, before the value that its buttons would have. */
const oneRequest = 'request:';
export const allOfAccount = 'account';

const decisions: readonly Option[] = [
  { text: 'Approve', value: 'approve' },
  { text: 'Deny', value: 'deny' },
];

/** Lets people decide one request after another, or all of an account at once. */
export function digestPage(digest: Digest, metadata: DigestMetadata, happened?: Markup): View {
  const open = digest.records.filter(isOpen);
  const pages = Math.max(Math.ceil(open.length / requestsPerPage), 1);
  const page = Math.min(metadata.page, pages - 1);
  const shown = open.slice(page * requestsPerPage, (page + 1) * requestsPerPage);
  const waiting = open.length > 0 ? `${waitingIn(open, digest.records.length)}.` : 'All are decided.';
  const count = `${waiting} Page ${page + 1} of ${pages}.`;
  const meaning = markup`Of a connection: *Approve* lets it stay, *Deny* cuts it now.`;
  const blocks: Block[] = [
    section(joined([...(happened ? [happened] : []), count, ...(areRequests(open) ? [] : [meaning])])),
    ...(open.length > 0
      ? [
          allOf(open),
          ...shown.map((record) => requestInput(record, digest)),
          reasonInput('Reason (needed to deny)', true),
          ...(digest.services.some(({ requireTicket }) => requireTicket) ? [ticketInput()] : []),
        ]
      : []),
    ...(pages > 1 ? [turning(page, pages)] : []),
  ];
  return modal({
    title: areRequests(digest.records) ? 'Decide requests' : 'Decide connections',
    blocks: blocks.map((block) => inRound(block, metadata.round)),
    callbackId: digestModal,
    metadata: { ...metadata, page },
    ...(open.length > 0 && { submit: 'Decide' }),
  });
}

/**
 * In a view that takes the place of another, Slack keeps what stands in inputs whose names are the same. What was chosen for
 * one submission is not chosen for the next.
 */
function inRound(block: Block, round: number): Block {
  return block.type === 'input' ? { ...block, block_id: blockIn(round, String(block.block_id)) } : block;
}

export function blockIn(round: number, field: string): string {
  return `${field}.${round}`;
}

function requestInput(record: ConnectionRecord, { services }: Digest): Block {
  const { ownerAccountId, endpointId, endpointRegion, place, serviceId } = record;
  const name = serviceName(serviceId, services);
  const isLive = matterOf(record) === 'request' ? '' : ', connected';
  const label = `${ownerAccountId} to ${name}: ${endpointId} in ${endpointRegion ?? place.region}${isLive}`;
  const element = select(`${oneRequest}${buttonValue(record)}`, decisions, 'Leave it open');
  return input(label, element, { isOptional: true });
}

function allOf(open: readonly ConnectionRecord[]): Block {
  const accounts = counted(open, ({ ownerAccountId }) => ownerAccountId).slice(0, limits.options / 2);
  const options = accounts.flatMap(([account, count]) =>
    decisions.map(({ text, value }) => ({
      text: `${text} all ${count} of ${account}`,
      value: `${value}:${account}`,
    })),
  );
  return input('All from one account', select(allOfAccount, options, 'Nothing for a whole account'), {
    isOptional: true,
  });
}

function turning(page: number, pages: number): Block {
  const to = (text: string, target: number) =>
    button({ text, actionId: `${clicks.digestPage}:${target}`, value: String(target) });
  return actions('pages', [
    ...(page > 0 ? [to('Previous page', page - 1)] : []),
    ...(page < pages - 1 ? [to('Next page', page + 1)] : []),
  ]);
}

type Decision = Metadata['decision'];

/** What was chosen in a page. */
export interface Choices {
  /** By the value that the request's buttons would have. */
  readonly each: ReadonlyMap<string, Decision>;
  readonly account?: { readonly id: string; readonly decision: Decision };
}

export function choicesIn(typed: Typed): Choices {
  const each = [...typed].flatMap(([field, chosen]) =>
    field.startsWith(oneRequest) && isDecision(chosen)
      ? [[field.slice(oneRequest.length), chosen] as const]
      : [],
  );
  const [decision, id] = (typed.get(allOfAccount) ?? '').split(':');
  return {
    each: new Map(each),
    ...(id !== undefined && isDecision(decision) && { account: { id, decision } }),
  };
}

function isDecision(chosen: string | undefined): chosen is Decision {
  return chosen === 'approve' || chosen === 'deny';
}
