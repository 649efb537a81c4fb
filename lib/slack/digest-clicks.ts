import * as v from 'valibot';
import { findGroup } from '../approval/approver-group.ts';
import { isNamedIn } from '../approval/may-decide.ts';
import { requestViews } from '../approval/request-view.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import { readService, serviceKey } from '../service/service.ts';
import { readEach } from '../table/item.ts';
import { findDigest, membersAtMost, membersOf } from '../telling/digest.ts';
import { type Markup, markup } from './boundary.ts';
import { buttonValue } from './buttons.ts';
import { decideMany, happenedIn } from './decide-many.ts';
import { type Digest, decidesByCommand } from './digest-message.ts';
import {
  allOfAccount,
  answerIn,
  blockIn,
  type Choices,
  choicesIn,
  DigestMetadata,
  digestPage,
} from './digest-modal.ts';
import { type Click, parsed, type Submission, type Typed } from './interaction.ts';
import { extending, notAnApprover, type Saying } from './outcome.ts';
import type { Interacting, SubmissionAnswer } from './request-clicks.ts';
import { type Answer, decisionOf, missingIn, told } from './request-modal.ts';

/**
 * How long decisions of one submission may take, in milliseconds: Slack waits three seconds for the answer, and the digest is
 * read before them and after.
 */
const budget = 1_300;

/** Opens the modal of a digest, or turns its page. */
export async function onDigestClick(click: Click, deps: Interacting): Promise<Markup | undefined> {
  const { actor, modal, message, value, triggerId } = click;
  const metadata = modal
    ? { ...readMetadata(modal.metadata), page: Number(value) }
    : { digest: value, ...message, members: membersAtMost, page: 0, round: 0 };
  if (!v.is(DigestMetadata, metadata)) return markup`linkgate does not know this button.`;
  const digest = await clickedDigest(metadata, actor, deps);
  if ('markup' in digest) return digest;
  const drawnAt = deps.now().toISOString();
  const view = digestPage(digest, { ...metadata, members: digest.members, drawnAt });
  try {
    await (modal ? deps.slack.updateView(modal.id, view) : deps.slack.openView(triggerId, view));
    return undefined;
  } catch (error) {
    deps.report(error);
    return markup`The form did not open, and nothing was decided. Click again, or type \`/linkgate waiting\`.`;
  }
}

/** Decides what was chosen, one request after another, as far as the time reaches, and shows what is left. */
export async function onDigestSubmission(
  { actor, metadata: text, typed, fields }: Submission,
  deps: Interacting,
): Promise<SubmissionAnswer> {
  const until = deps.now().getTime() + budget;
  const metadata = readMetadata(text);
  if (!metadata) return instead('Not decided', markup`linkgate does not know this form.`);
  const digest = await clickedDigest(metadata, actor, deps);
  if ('markup' in digest) return instead('Not decided', digest);
  const { chosen, passed } = chosenIn(choicesIn(typed), digest.records, metadata);
  const views = await requestViews([...chosen.keys()], deps, { withHistory: false });
  const errors =
    chosen.size + passed === 0
      ? { [allOfAccount]: 'Choose what becomes of which' }
      : missingIn(typed, {
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
  const happened = happenedIn(await decideMany(sayings, until, deps), sayings, passed);
  const after = await clickedDigest({ ...metadata, members: membersAtMost }, actor, deps);
  if ('markup' in after) return instead('What happened', happened);
  const drawnAt = deps.now().toISOString();
  const next = { ...metadata, members: after.members, round: metadata.round + 1, drawnAt };
  return { response_action: 'update', view: digestPage(after, next, happened) };
}

function inBlocksOf(round: number, errors: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(errors).map(([field, error]) => [blockIn(round, field), error]));
}

function instead(title: string, answer: Markup): SubmissionAnswer {
  return { response_action: 'update', view: told(title, answer) };
}

/** What is open still, and is what it was when the page was drawn. */
function chosenIn(choices: Choices, records: readonly ConnectionRecord[], { drawnAt = '' }: DigestMetadata) {
  const chosen = new Map<ConnectionRecord, Answer>();
  for (const record of records.filter(isOpen)) {
    const answer = answerIn(choices, record);
    // A form that is sent twice extends once.
    const isExtended = answer === 'extend' && record.kept !== undefined && record.kept.at >= drawnAt;
    if (answer && !isExtended) chosen.set(record, answer);
  }
  const found = new Set([...chosen.keys()].map(buttonValue));
  return { chosen, passed: [...choices.each.keys()].filter((value) => !found.has(value)).length };
}

function sayingOf(answer: Answer, record: ConnectionRecord, by: string, typed: Typed): Saying {
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
  deps: Interacting,
): Promise<(Digest & Pick<DigestMetadata, 'members'>) | Markup> {
  const digest = await findDigest(id, deps.table);
  const group = digest && (await findGroup(digest.group, deps.table));
  if (!digest || !group) return markup`linkgate knows no such digest.`;
  if (!isNamedIn(group, actor)) return notAnApprover(group);
  if (group.decideIn === 'api') return decidesByCommand(group);
  if (digest.channel !== channel || digest.ts !== ts)
    return markup`linkgate does not decide by this message. Look for the newest one, or type \`/linkgate waiting\`.`;
  const endpointIds = digest.endpointIds.slice(0, members);
  const records = await membersOf({ ...digest, endpointIds }, deps);
  const serviceIds = [...new Set(records.map(({ serviceId }) => serviceId))];
  const services = readEach(await deps.table.get(serviceIds.map(serviceKey)), readService, deps.report);
  return { id, group, records, services, members: endpointIds.length };
}
