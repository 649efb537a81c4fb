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
import { cliOnlyText, type DigestRequests } from './digest-message.ts';
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
import { type InteractionDeps, showMessageModal, type ViewSubmissionResponse } from './request-actions.ts';
import { type ApprovalAnswer, missingFields, toPersonDecision } from './request-modal.ts';

/**
 * The time limit for the decisions of one submission, in milliseconds. Slack waits three seconds for the response, and linkgate
 * reads the digest before and after the decisions.
 */
const submissionBudgetMs = 1_300;

/** Opens the modal of a digest, or shows another page of it. */
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
    deps.reportError(error, 'open Slack modal');
    return markup`Slack did not open the form. linkgate recorded no decision. Click again, or type \`/linkgate waiting\`.`;
  }
}

/** Submits the selected answers until the time limit, and shows the requests that are still open. */
export async function handleDigestSubmission(
  { actor, metadata: text, fieldValues, fieldNames }: ViewSubmission,
  deps: InteractionDeps,
): Promise<ViewSubmissionResponse> {
  const deadlineMs = deps.now().getTime() + submissionBudgetMs;
  const metadata = readDigestMetadata(text);
  if (!metadata) return showMessageModal(markup`linkgate does not know this form.`);
  const digest = await loadClickedDigest(metadata, actor, deps);
  if ('markup' in digest) return showMessageModal(digest);
  const { selected, closedCount } = selectOpenRequests(
    parseSelections(fieldValues),
    digest.records,
    metadata,
  );
  const views = await loadApprovalViews([...selected.keys()], deps, { withHistory: false });
  const errors =
    selected.size + closedCount === 0
      ? { [accountFieldName]: 'Select an answer for at least one request' }
      : missingFields(fieldValues, {
          needsReason: [...selected.values()].some((answer) => answer === 'deny' || answer === 'disconnect'),
          needsTicket: views.some(({ service }) => service.requireTicket),
        });
  // The service has required tickets since linkgate rendered the page: the update adds the field and keeps the inputs.
  if (errors.ticket !== undefined && !fieldNames.has('ticket'))
    return { response_action: 'update', view: digestPage(digest, metadata, markup`${errors.ticket}.`) };
  if (Object.keys(errors).length > 0)
    return { response_action: 'errors', errors: errorsByBlockId(metadata.round, errors) };
  const submitted = views.flatMap((view) => {
    const answer = selected.get(view.record);
    return answer ? [[view, toDigestAnswer(answer, view.record, actor, fieldValues)] as const] : [];
  });
  const resultText = batchResultText(await decideBatch(submitted, deadlineMs, deps), submitted, closedCount);
  const after = await loadClickedDigest({ ...metadata, members: maxDigestSize }, actor, deps);
  if ('markup' in after) return showMessageModal(resultText, 'Result');
  const renderedAt = deps.now().toISOString();
  const next = { ...metadata, members: after.members, round: metadata.round + 1, renderedAt };
  return { response_action: 'update', view: digestPage(after, next, resultText) };
}

function errorsByBlockId(round: number, errors: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(errors).map(([field, error]) => [roundBlockId(round, field), error]),
  );
}

/** Selects the requests that are open and unchanged since linkgate rendered the page. */
function selectOpenRequests(
  selections: DigestSelections,
  records: readonly ConnectionRecord[],
  { renderedAt = '' }: DigestMetadata,
) {
  const selected = new Map<ConnectionRecord, ApprovalAnswer>();
  for (const record of records.filter(isAwaitingApproval)) {
    const answer = selectedAnswer(selections, record);
    // A repeated submission of the form extends only once.
    const isExtended =
      answer === 'extend' && record.extended !== undefined && record.extended.at >= renderedAt;
    if (answer && !isExtended) selected.set(record, answer);
  }
  const openValues = new Set([...selected.keys()].map(buttonValue));
  return {
    selected,
    closedCount: [...selections.byRequest.keys()].filter((value) => !openValues.has(value)).length,
  };
}

function toDigestAnswer(
  answer: ApprovalAnswer,
  record: ConnectionRecord,
  by: string,
  fieldValues: FieldValues,
): SubmittedAnswer {
  const [reason, ticket] = [fieldValues.get('reason'), fieldValues.get('ticket')];
  if (answer === 'extend') return buildExtension(record, by, reason);
  const decision = toPersonDecision(answer);
  return { decision, by, ...(reason !== undefined && { reason }), ...(ticket !== undefined && { ticket }) };
}

function readDigestMetadata(text: string): DigestMetadata | undefined {
  const result = v.safeParse(DigestMetadata, parseSlackJson(text));
  return result.success ? result.output : undefined;
}

/**
 * Loads the digest of a click.
 * @returns the reason as text if the message is outdated or the person is no approver
 */
async function loadClickedDigest(
  { digest: id, channel, ts, members }: DigestMetadata,
  actor: string,
  deps: InteractionDeps,
): Promise<(DigestRequests & Pick<DigestMetadata, 'members'>) | Markup> {
  const digest = await findDigest(id, deps.table);
  const group = digest && (await findGroup(digest.group, deps.table));
  if (!digest || !group) return markup`linkgate does not know this digest.`;
  if (!isMember(group, actor)) return notAnApproverText(group);
  if (group.decisionChannels === 'api') return cliOnlyText(group);
  if (digest.channel !== channel || digest.ts !== ts)
    return markup`This message is out of date. Use the newest one, or type \`/linkgate waiting\`.`;
  const endpointIds = digest.endpointIds.slice(0, members);
  const records = await readDigestMembers({ ...digest, endpointIds }, deps);
  const serviceIds = [...new Set(records.map(({ serviceId }) => serviceId))];
  const services = parseEach(await deps.table.get(serviceIds.map(serviceKey)), readService, deps.reportError);
  return { id, group, records, services, members: endpointIds.length };
}
