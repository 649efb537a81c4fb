import * as v from 'valibot';
import { approvalViews } from '../../approvals/approval-view.ts';
import { findDigest, maxDigestSize, membersOf } from '../../approvals/digest.ts';
import { findGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { isMember } from '../../policy/authorize.ts';
import { readService, serviceKey } from '../../services/service.ts';
import { parseEach } from '../../storage/entity.ts';
import { buttonValue } from './actions.ts';
import { batchResultText, decideBatch } from './decide-batch.ts';
import { type DecisionOfClick, extending, notAnApprover } from './decision-result.ts';
import { type Digest, requiresCli } from './digest-message.ts';
import {
  allFromAccount,
  answerIn,
  DigestMetadata,
  type DigestSelections,
  digestPage,
  findBlock,
  parseSelections,
} from './digest-modal.ts';
import { type BlockAction, parsed, type SlashCommand, type Submission } from './interaction.ts';
import { type Markup, markup } from './mrkdwn.ts';
import type { InteractionDeps, ViewSubmissionResponse } from './request-actions.ts';
import { type Answer, decisionOf, messageModal, missingFields } from './request-modal.ts';

/**
 * How long decisions of one submission may take, in milliseconds: Slack waits three seconds for the answer, and the digest is
 * read before them and after.
 */
const budget = 1_300;

/** Opens the modal of a digest, or turns its page. */
export async function handleDigestAction(
  click: BlockAction,
  deps: InteractionDeps,
): Promise<Markup | undefined> {
  const { actor, modal, message, value, triggerId } = click;
  const metadata = modal
    ? { ...readMetadata(modal.metadata), page: Number(value) }
    : { digest: value, ...message, members: maxDigestSize, page: 0, round: 0 };
  if (!v.is(DigestMetadata, metadata)) return markup`linkgate does not know this button.`;
  const digest = await clickedDigest(metadata, actor, deps);
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
  { actor, metadata: text, typed, fields }: Submission,
  deps: InteractionDeps,
): Promise<ViewSubmissionResponse> {
  const until = deps.now().getTime() + budget;
  const metadata = readMetadata(text);
  if (!metadata) return instead('Not decided', markup`linkgate does not know this form.`);
  const digest = await clickedDigest(metadata, actor, deps);
  if ('markup' in digest) return instead('Not decided', digest);
  const { chosen, passed } = chosenIn(parseSelections(typed), digest.records, metadata);
  const views = await approvalViews([...chosen.keys()], deps, { withHistory: false });
  const errors =
    chosen.size + passed === 0
      ? { [allFromAccount]: 'Choose what becomes of which' }
      : missingFields(typed, {
          needsReason: [...chosen.values()].some((answer) => answer === 'deny' || answer === 'disconnect'),
          needsTicket: views.some(({ service }) => service.requireTicket),
        });
  // Tickets are wanted since the page was drawn: what was chosen and typed stays.
  if (errors.ticket !== undefined && !fields.has('ticket'))
    return { response_action: 'update', view: digestPage(digest, metadata, markup`${errors.ticket}.`) };
  if (Object.keys(errors).length > 0)
    return { response_action: 'errors', errors: inBlocksOf(metadata.round, errors) };
  const sayings = views.flatMap((view) => {
    const answer = chosen.get(view.record);
    return answer ? [[view, sayingOf(answer, view.record, actor, typed)] as const] : [];
  });
  const happened = batchResultText(await decideBatch(sayings, until, deps), sayings, passed);
  const after = await clickedDigest({ ...metadata, members: maxDigestSize }, actor, deps);
  if ('markup' in after) return instead('What happened', happened);
  const renderedAt = deps.now().toISOString();
  const next = { ...metadata, members: after.members, round: metadata.round + 1, renderedAt };
  return { response_action: 'update', view: digestPage(after, next, happened) };
}

function inBlocksOf(round: number, errors: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(errors).map(([field, error]) => [findBlock(round, field), error]));
}

function instead(title: string, answer: Markup): ViewSubmissionResponse {
  return { response_action: 'update', view: messageModal(title, answer) };
}

/** What is open still, and is what it was when the page was drawn. */
function chosenIn(
  choices: DigestSelections,
  records: readonly ConnectionRecord[],
  { renderedAt = '' }: DigestMetadata,
) {
  const chosen = new Map<ConnectionRecord, Answer>();
  for (const record of records.filter(isAwaitingApproval)) {
    const answer = answerIn(choices, record);
    // A form that is sent twice extends once.
    const isExtended = answer === 'extend' && record.kept !== undefined && record.kept.at >= renderedAt;
    if (answer && !isExtended) chosen.set(record, answer);
  }
  const found = new Set([...chosen.keys()].map(buttonValue));
  return { chosen, passed: [...choices.each.keys()].filter((value) => !found.has(value)).length };
}

function sayingOf(
  answer: Answer,
  record: ConnectionRecord,
  by: string,
  typed: SlashCommand,
): DecisionOfClick {
  const [reason, ticket] = [typed.get('reason'), typed.get('ticket')];
  if (answer === 'extend') return extending(record, by, reason);
  const decision = decisionOf(answer);
  return { decision, by, ...(reason !== undefined && { reason }), ...(ticket !== undefined && { ticket }) };
}

function readMetadata(text: string): DigestMetadata | undefined {
  const result = v.safeParse(DigestMetadata, parsed(text));
  return result.success ? result.output : undefined;
}

/** The digest that was clicked, if it was its own message, by somebody who may decide; else why not, to be told. */
async function clickedDigest(
  { digest: id, channel, ts, members }: DigestMetadata,
  actor: string,
  deps: InteractionDeps,
): Promise<(Digest & Pick<DigestMetadata, 'members'>) | Markup> {
  const digest = await findDigest(id, deps.table);
  const group = digest && (await findGroup(digest.group, deps.table));
  if (!digest || !group) return markup`linkgate knows no such digest.`;
  if (!isMember(group, actor)) return notAnApprover(group);
  if (group.decisionChannels === 'api') return requiresCli(group);
  if (digest.channel !== channel || digest.ts !== ts)
    return markup`linkgate does not decide by this message. Look for the newest one, or type \`/linkgate waiting\`.`;
  const endpointIds = digest.endpointIds.slice(0, members);
  const records = await membersOf({ ...digest, endpointIds }, deps);
  const serviceIds = [...new Set(records.map(({ serviceId }) => serviceId))];
  const services = parseEach(await deps.table.get(serviceIds.map(serviceKey)), readService, deps.reportError);
  return { id, group, records, services, members: endpointIds.length };
}
