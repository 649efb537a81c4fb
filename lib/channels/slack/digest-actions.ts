import * as v from 'valibot';
import { rejectionText } from '../../approvals/action-text.ts';
import { loadApprovalViews } from '../../approvals/approval-view.ts';
import { digestEntity, digestKey, readDigestMembers } from '../../approvals/digest.ts';
import { selectApprovalActions } from '../../approvals/status.ts';
import { findGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { adoptClickedMessage } from '../../outbox/adopt-message.ts';
import { isMember } from '../../policy/authorize.ts';
import { readService, serviceKey } from '../../services/service.ts';
import { parseEach } from '../../storage/entity.ts';
import { actionIds } from './actions.ts';
import { type ModalView, modal, section } from './blocks.ts';
import { batchResultText, decideBatch } from './decide-batch.ts';
import { notAnApproverText } from './decision-result.ts';
import {
  accountAnswerEffect,
  accountAnswerLabel,
  DigestAccount,
  hashAccountRequests,
} from './digest-account.ts';
import { cliOnlyText } from './digest-message.ts';
import { type BlockAction, parseSlackJson, type ViewSubmission } from './interaction.ts';
import { type Markup, markup } from './mrkdwn.ts';
import {
  type InteractionDeps,
  openModal,
  respondToMissingFields,
  showMessageModal,
  toSubmittedAnswer,
  type ViewSubmissionResponse,
} from './request-actions.ts';
import { approvalAnswers, isDenial, reasonInput, ticketInput } from './request-modal.ts';

/**
 * The time limit for the decisions of one click or submission, in milliseconds. Slack waits three seconds for the response, which
 * include a cold start.
 */
const decisionBudgetMs = 1_300;

export const digestModalCallbackId = 'digest';

/** A click on a digest's button, and the `private_metadata` of the modal that it opens. */
const DigestClick = v.object({
  ...DigestAccount.entries,
  answer: v.picklist(approvalAnswers),
  channel: v.string(),
  ts: v.string(),
});
type DigestClick = v.InferOutput<typeof DigestClick>;

/** Decides all requests of one account of a digest, or opens a modal for the reason or ticket. */
export async function handleDigestAction(
  action: BlockAction,
  deps: InteractionDeps,
): Promise<Markup | undefined> {
  const { actionId, actor, message, value, fieldValues } = action;
  const deadlineMs = deps.now().getTime() + decisionBudgetMs;
  const answer = actionId.slice(actionIds.digestPrefix.length);
  const click = readDigestClick({ ...parseSlackObject(value), ...message, answer });
  if (!click) return markup`linkgate does not know this button.`;
  const selection = await selectClickedRequests(click, actor, deps);
  if ('markup' in selection) return selection;
  if (!isDenial(click.answer) && !selection.needsTicket)
    return submitSelection(click, selection, { actor, fieldValues, deadlineMs }, deps);
  const otherWay = markup`type \`/linkgate waiting\`.`;
  return openModal(action, accountModal(click, selection), otherWay, deps);
}

/** Submits the answer with the reason and the ticket of the modal. */
export async function handleDigestSubmission(
  submission: ViewSubmission,
  deps: InteractionDeps,
): Promise<ViewSubmissionResponse> {
  const { actor, metadata, fieldValues } = submission;
  const deadlineMs = deps.now().getTime() + decisionBudgetMs;
  const click = readDigestClick(parseSlackObject(metadata));
  if (!click) return showMessageModal(markup`linkgate does not know this form.`);
  const selection = await selectClickedRequests(click, actor, deps);
  if ('markup' in selection) return showMessageModal(selection);
  const needed = { needsReason: isDenial(click.answer), needsTicket: selection.needsTicket };
  const incomplete = respondToMissingFields(submission, needed, () => accountModal(click, selection));
  if (incomplete) return incomplete;
  return showMessageModal(
    await submitSelection(click, selection, { actor, fieldValues, deadlineMs }, deps),
    'Result',
  );
}

interface ClickedRequests {
  /** The requests to decide. */
  readonly records: readonly ConnectionRecord[];
  /** The number of open requests, with those that the person has approved before. */
  readonly openCount: number;
  /** Whether one of their services requires a ticket. An extension needs none. */
  readonly needsTicket: boolean;
}

/**
 * Selects the account's requests that the message shows, and that are still open and unchanged.
 * @returns the reason as text if the person cannot decide them, or the message is out of date
 */
async function selectClickedRequests(
  { digest: id, account, lastEndpointId, requestsHash, answer, channel, ts }: DigestClick,
  actor: string,
  deps: InteractionDeps,
): Promise<ClickedRequests | Markup> {
  const digest = await digestEntity.find(digestKey(id), deps.table);
  const group = digest && (await findGroup(digest.group, deps.table));
  if (!digest || !group) return markup`linkgate does not know this digest.`;
  if (!isMember(group, actor)) return notAnApproverText(group);
  if (group.decisionChannels === 'api') return cliOnlyText(group);
  const endpointIds = digest.endpointIds.slice(0, digest.endpointIds.indexOf(lastEndpointId) + 1);
  const shown = await readDigestMembers({ ...digest, endpointIds }, deps);
  const isCurrent = await adoptClickedMessage({ kind: 'digest', id }, { channel, ts }, deps);
  if (!isCurrent || hashAccountRequests(shown, account) !== requestsHash)
    return markup`This message is out of date, and linkgate recorded no decision. Use the newest message after its next update, or type \`/linkgate waiting\`.`;
  const open = shown.filter(
    (record) =>
      record.ownerAccountId === account &&
      isAwaitingApproval(record) &&
      selectApprovalActions(record).includes(answer),
  );
  const records = open.filter((record) => !hasApproved(record, actor, answer));
  if (records.length === 0)
    return open.length > 0
      ? markup`You have already approved them. Other approvers have to approve them too.`
      : markup`Nothing is left to decide: all requests of account ${account} in this message are closed.`;
  const serviceIds = [...new Set(records.map(({ serviceId }) => serviceId))];
  const services = parseEach(await deps.table.get(serviceIds.map(serviceKey)), readService, deps.reportError);
  return {
    records,
    openCount: open.length,
    needsTicket: answer !== 'extend' && services.some(({ requireTicket }) => requireTicket === true),
  };
}

/** Whether the person has given this approval to an open request whose quorum is not reached. */
function hasApproved({ approvals }: ConnectionRecord, actor: string, answer: DigestClick['answer']): boolean {
  if (answer === 'extend' || isDenial(answer)) return false;
  return approvals?.decisions.some(({ by }) => by === actor) === true;
}

interface DigestSubmission extends Pick<ViewSubmission, 'actor' | 'fieldValues'> {
  /** In milliseconds since 1970. */
  readonly deadlineMs: number;
}

/** @returns the result for the author */
async function submitSelection(
  { answer, count }: DigestClick,
  { records, openCount }: ClickedRequests,
  { actor, fieldValues, deadlineMs }: DigestSubmission,
  deps: InteractionDeps,
): Promise<Markup> {
  const views = await loadApprovalViews(records, deps, { withHistory: false });
  const answers = views.map(
    (view) => [view, toSubmittedAnswer(answer, view.record, { actor, fieldValues })] as const,
  );
  const results = await decideBatch(answers, deadlineMs, deps);
  return batchResultText(results, answers, Math.max(count - openCount, 0));
}

/** Renders the modal for the reason and the ticket of an answer for all requests of an account. */
function accountModal(click: DigestClick, { records, needsTicket }: ClickedRequests): ModalView {
  const { answer, account } = click;
  const label = accountAnswerLabel(answer, records.length);
  return modal({
    title: label,
    submit: label,
    blocks: [
      section(markup`${accountAnswerEffect(answer, records.length, account)}`),
      ...(needsTicket ? [ticketInput()] : []),
      reasonInput(answer),
      ...(isDenial(answer) ? [section(markup`${rejectionText}`)] : []),
    ],
    callbackId: digestModalCallbackId,
    metadata: click,
  });
}

function readDigestClick(content: unknown): DigestClick | undefined {
  const result = v.safeParse(DigestClick, content);
  return result.success ? result.output : undefined;
}

function parseSlackObject(json: string): object {
  const content = parseSlackJson(json);
  return typeof content === 'object' && content !== null ? content : {};
}
