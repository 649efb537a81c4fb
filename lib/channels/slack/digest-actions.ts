import * as v from 'valibot';
import { loadApprovalViews } from '../../approvals/approval-view.ts';
import { findDigest, maxDigestSize, readDigestMembers } from '../../approvals/digest.ts';
import { findGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { isMember } from '../../policy/authorize.ts';
import { readService, serviceKey } from '../../services/service.ts';
import { parseEach } from '../../storage/entity.ts';
import { buttonValue } from './actions.ts';
import { batchResultText, decideBatch } from './decide-batch.ts';
import { buildExtension, notAnApproverText, type SubmittedAnswer } from './decision-result.ts';
import { cliOnlyText, type DigestView } from './digest-message.ts';
import {
  accountFieldName,
  DigestMetadata,
  type DigestSelections,
  digestPage,
  parseSelections,
  roundBlockId,
  selectedAnswer,
} from './digest-modal.ts';
import { type BlockAction, type FieldValues, parseSlackJson, type ViewSubmission } from './interaction.ts';
import { type Markup, markup } from './mrkdwn.ts';
import type { InteractionDeps, ViewSubmissionResponse } from './request-actions.ts';
import { type ApprovalAnswer, messageModal, missingFields, toPersonDecision } from './request-modal.ts';

/**
 * How long decisions of one submission may take, in milliseconds: Slack waits three seconds for the answer, and the digest is
 * read before them and after.
 */
const submissionBudgetMs = 1_300;

/** Opens the modal of a digest, or turns its page. */
export async function handleDigestAction(
  click: BlockAction,
  deps: InteractionDeps,
): Promise<Markup | undefined> {
  const { actor, modal, message, value, triggerId } = click;
  const metadata = modal
    ? { ...readDigestMetadata(modal.metadata), page: Number(value) }
    : { digest: value, ...message, members: maxDigestSize, page: 0, round: 0 };
  if (!v.is(DigestMetadata, metadata)) return markup`linkgate does not know this button.`;
  const digest = await loadClickedDigest(metadata, actor, deps);
  if ('markup' in digest) return digest;
  const renderedAt = deps.now().toISOString();
  const view = digestPage(digest, { ...metadata, members: digest.members, renderedAt });
  try {
    await (modal ? deps.slack.updateView(modal.id, view) : deps.slack.openView(triggerId, view));
    return undefined;
  } catch (error) {
    deps.reportError(error);
    return markup`The form did not open, and nothing was decided. Click again, or type \`/linkgate waiting\`.`;
  }
}

/** Decides what was chosen, one request after another, as far as the time reaches, and shows what is left. */
export async function handleDigestSubmission(
  { actor, metadata: text, fieldValues, fieldNames }: ViewSubmission,
  deps: InteractionDeps,
): Promise<ViewSubmissionResponse> {
  const until = deps.now().getTime() + submissionBudgetMs;
  const metadata = readDigestMetadata(text);
  if (!metadata) return showDigestMessageModal('Not decided', markup`linkgate does not know this form.`);
  const digest = await loadClickedDigest(metadata, actor, deps);
  if ('markup' in digest) return showDigestMessageModal('Not decided', digest);
  const { chosen, passed } = selectOpenRequests(parseSelections(fieldValues), digest.records, metadata);
  const views = await loadApprovalViews([...chosen.keys()], deps, { withHistory: false });
  const errors =
    chosen.size + passed === 0
      ? { [accountFieldName]: 'Choose what becomes of which' }
      : missingFields(fieldValues, {
          needsReason: [...chosen.values()].some((answer) => answer === 'deny' || answer === 'disconnect'),
          needsTicket: views.some(({ service }) => service.requireTicket),
        });
  // Tickets are wanted since the page was drawn: what was chosen and typed stays.
  if (errors.ticket !== undefined && !fieldNames.has('ticket'))
    return { response_action: 'update', view: digestPage(digest, metadata, markup`${errors.ticket}.`) };
  if (Object.keys(errors).length > 0)
    return { response_action: 'errors', errors: errorsByBlockId(metadata.round, errors) };
  const sayings = views.flatMap((view) => {
    const answer = chosen.get(view.record);
    return answer ? [[view, toDigestAnswer(answer, view.record, actor, fieldValues)] as const] : [];
  });
  const happened = batchResultText(await decideBatch(sayings, until, deps), sayings, passed);
  const after = await loadClickedDigest({ ...metadata, members: maxDigestSize }, actor, deps);
  if ('markup' in after) return showDigestMessageModal('What happened', happened);
  const renderedAt = deps.now().toISOString();
  const next = { ...metadata, members: after.members, round: metadata.round + 1, renderedAt };
  return { response_action: 'update', view: digestPage(after, next, happened) };
}

function errorsByBlockId(round: number, errors: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(errors).map(([field, error]) => [roundBlockId(round, field), error]),
  );
}

function showDigestMessageModal(title: string, answer: Markup): ViewSubmissionResponse {
  return { response_action: 'update', view: messageModal(title, answer) };
}

/** What is open still, and is what it was when the page was drawn. */
function selectOpenRequests(
  choices: DigestSelections,
  records: readonly ConnectionRecord[],
  { renderedAt = '' }: DigestMetadata,
) {
  const chosen = new Map<ConnectionRecord, ApprovalAnswer>();
  for (const record of records.filter(isAwaitingApproval)) {
    const answer = selectedAnswer(choices, record);
    // A form that is sent twice extends once.
    const isExtended =
      answer === 'extend' && record.extended !== undefined && record.extended.at >= renderedAt;
    if (answer && !isExtended) chosen.set(record, answer);
  }
  const found = new Set([...chosen.keys()].map(buttonValue));
  return { chosen, passed: [...choices.byRequest.keys()].filter((value) => !found.has(value)).length };
}

function toDigestAnswer(
  answer: ApprovalAnswer,
  record: ConnectionRecord,
  by: string,
  typed: FieldValues,
): SubmittedAnswer {
  const [reason, ticket] = [typed.get('reason'), typed.get('ticket')];
  if (answer === 'extend') return buildExtension(record, by, reason);
  const decision = toPersonDecision(answer);
  return { decision, by, ...(reason !== undefined && { reason }), ...(ticket !== undefined && { ticket }) };
}

function readDigestMetadata(text: string): DigestMetadata | undefined {
  const result = v.safeParse(DigestMetadata, parseSlackJson(text));
  return result.success ? result.output : undefined;
}

/** The digest that was clicked, if it was its own message, by somebody who may decide; else why not, to be told. */
async function loadClickedDigest(
  { digest: id, channel, ts, members }: DigestMetadata,
  actor: string,
  deps: InteractionDeps,
): Promise<(DigestView & Pick<DigestMetadata, 'members'>) | Markup> {
  const digest = await findDigest(id, deps.table);
  const group = digest && (await findGroup(digest.group, deps.table));
  if (!digest || !group) return markup`linkgate knows no such digest.`;
  if (!isMember(group, actor)) return notAnApproverText(group);
  if (group.decisionChannels === 'api') return cliOnlyText(group);
  if (digest.channel !== channel || digest.ts !== ts)
    return markup`linkgate does not decide by this message. Look for the newest one, or type \`/linkgate waiting\`.`;
  const endpointIds = digest.endpointIds.slice(0, members);
  const records = await readDigestMembers({ ...digest, endpointIds }, deps);
  const serviceIds = [...new Set(records.map(({ serviceId }) => serviceId))];
  const services = parseEach(await deps.table.get(serviceIds.map(serviceKey)), readService, deps.reportError);
  return { id, group, records, services, members: endpointIds.length };
}
