import * as v from 'valibot';
import { findBlock } from '../../allowlist/effective-entry.ts';
import { putEntryIfUnchanged } from '../../allowlist/entries.ts';
import { allServicesScope, entryKey, readEntry } from '../../allowlist/entry.ts';
import { explainInvalidExpiry, parseExpiry, resolveExpiry } from '../../allowlist/parse-expiry.ts';
import { type ApprovalView, loadApprovalView, loadApprovalViews } from '../../approvals/approval-view.ts';
import { replacedEntryText } from '../../approvals/entry-text.ts';
import { ownerAccountText } from '../../approvals/owner-account-text.ts';
import { deadlinePhrase } from '../../approvals/request-text.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { type ApproverGroup, findGroup, listApproverGroups } from '../../approvers/approver-group.ts';
import { isAwaitingApproval, readRecord, recordKey } from '../../connections/connection-record.ts';
import { OptionalReason, requiredDecisionText } from '../../connections/decision-text.ts';
import { awaitingApproval } from '../../connections/indexes.ts';
import { isMember, listAccountOwners } from '../../policy/authorize.ts';
import { AccountId, EndpointId } from '../../privatelink/connection.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { findServiceByName } from '../../services/find-service.ts';
import { listRegisteredServices } from '../../services/registered-services.ts';
import { parseEach } from '../../storage/entity.ts';
import { shellWord } from '../../values/shell-word.ts';
import {
  connectedInsteadText,
  notAnApproverText,
  submitAnswer,
  unknownRequestText,
} from './decision-result.ts';
import { joinMarkup, type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';
import { requestMessage } from './request-message.ts';
import type { Ephemeral } from './respond.ts';
import { approverMentions, slackDate, writeMrkdwn } from './status-mrkdwn.ts';

const helpText = joinMarkup([
  markup`• \`/linkgate waiting [page]\`: lists the requests that wait for your decision`,
  markup`• \`/linkgate show &lt;vpce-…&gt;\`: shows one request or connection`,
  markup`• \`/linkgate approve &lt;vpce-…&gt; [reason]\`: approves a request`,
  markup`• \`/linkgate deny &lt;vpce-…&gt; &lt;reason&gt;\`: denies a request`,
  markup`• \`/linkgate allow &lt;account&gt; &lt;service&gt; [2027-01-31 or 30d]\`: adds an account to the allowlist`,
  markup`• \`--ticket &lt;id&gt;\` after \`approve\` or \`deny\`: the ticket, if the service requires one`,
]);

interface CommandArguments {
  readonly positionals: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

type CommandHandler = (
  typed: CommandArguments,
  actor: string,
  deps: DecideDeps,
) => Promise<Markup | Ephemeral>;

const slashCommands: ReadonlyMap<string, CommandHandler> = new Map([
  ['waiting', listWaitingRequests],
  ['show', showRequest],
  ['approve', (...args) => decideByCommand('approve', ...args)],
  ['deny', (...args) => decideByCommand('deny', ...args)],
  ['allow', allowAccount],
] satisfies [string, CommandHandler][]);

/** The options of a command. Each takes a value. */
const optionNames: Readonly<Record<string, readonly string[]>> = { approve: ['ticket'], deny: ['ticket'] };

/** Handles `/linkgate …`. Only the person who sent it sees the reply. */
export async function handleSlashCommand(text: string, actor: string, deps: DecideDeps): Promise<Ephemeral> {
  const [name = '', ...rawArguments] = text.trim().split(/\s+/);
  const command = slashCommands.get(name.toLowerCase());
  const typed = command && parseCommandArguments(rawArguments, optionNames[name.toLowerCase()] ?? []);
  const answer = !typed ? helpText : 'markup' in typed ? typed : await command(typed, actor, deps);
  return 'markup' in answer ? { text: truncate(slackLimits.text, answer) } : answer;
}

/** Some keyboards replace `--` with a dash. An ordinary word may begin with a dash too. */
const optionPattern = /^(--|—|–)([a-z][a-z-]*)(?:=(.*))?$/i;

/** Separates `--option value` and `--option=value` from the positional arguments. @returns a usage error as text */
function parseCommandArguments(
  rawArguments: readonly string[],
  knownNames: readonly string[],
): CommandArguments | Markup {
  const [positionals, options] = [[...rawArguments], new Map<string, string>()];
  for (let at = 0; at < positionals.length; ) {
    const [, dashes, name = '', value] = optionPattern.exec(positionals[at] ?? '') ?? [];
    const isKnownOption = knownNames.includes(name.toLowerCase());
    if (dashes === '--' && !isKnownOption)
      return markup`This command has no option \`--${name}\`. linkgate changed nothing. ${helpText}`;
    if (isKnownOption) {
      const [, next] = positionals.splice(at, value === undefined ? 2 : 1);
      const text = value ?? next ?? '';
      if (text === '' || optionPattern.test(text))
        return markup`The option \`--${name}\` needs a value. linkgate changed nothing.`;
      options.set(name.toLowerCase(), text);
    } else at += 1;
  }
  return { positionals, options };
}

const waitingPerPage = 10;

async function listWaitingRequests(
  { positionals: [page = '1'] }: CommandArguments,
  actor: string,
  deps: DecideDeps,
): Promise<Markup> {
  if (!/^[1-9]\d{0,3}$/.test(page)) return helpText;
  const groups = (await listApproverGroups(deps)).filter((group) => isMember(group, actor));
  if (groups.length === 0) return markup`You are in no approver group.`;
  const [from, to] = [(Number(page) - 1) * waitingPerPage, Number(page) * waitingPerPage];
  const ids = await findFirstWaiting(groups, to + 1, deps);
  const records = parseEach(
    await deps.table.get(ids.slice(from, to).map(recordKey)),
    readRecord,
    deps.reportError,
  );
  const views = await loadApprovalViews(records, deps, { withHistory: false });
  if (views.length === 0)
    return markup`No request waits for your decision${from > 0 ? ' on this page' : ''}.`;
  return joinMarkup([
    ...views.map(waitingLine),
    ...(ids.length > to ? [markup`More: \`/linkgate waiting ${Number(page) + 1}\``] : []),
  ]);
}

/** Reads only as many endpoint ids as the page needs. */
async function findFirstWaiting(groups: readonly ApproverGroup[], count: number, deps: DecideDeps) {
  const ids: string[] = [];
  for (const { name } of groups)
    for await (const page of awaitingApproval.list(name, deps)) {
      ids.push(...page.map(({ endpointId }) => endpointId));
      if (ids.length >= count) return ids;
    }
  return ids;
}

function waitingLine(view: ApprovalView): Markup {
  const { record, service, group } = view;
  const deadline = writeMrkdwn(deadlinePhrase(record), group);
  return markup`• \`${record.endpointId}\` of account ${ownerAccountText(view)} to ${service.name}${deadline}`;
}

async function showRequest(
  { positionals: [endpointId] }: CommandArguments,
  actor: string,
  deps: DecideDeps,
): Promise<Markup | Ephemeral> {
  const view = await loadCommandRequest(endpointId, actor, deps);
  return 'markup' in view ? view : { text: requestMessage(view, deps.now()).text };
}

const OptionalTicket = v.optional(requiredDecisionText('ticket', 'a ticket has an id'));

async function decideByCommand(
  decision: 'approve' | 'deny',
  { positionals: [endpointId, ...rest], options }: CommandArguments,
  actor: string,
  deps: DecideDeps,
): Promise<Markup> {
  const view = await loadCommandRequest(endpointId, actor, deps);
  if ('markup' in view) return view;
  if (computeApprovalKind(view.record) !== 'new-connection' && isAwaitingApproval(view.record))
    return connectedInsteadText(view);
  const result = v.safeParse(v.object({ reason: OptionalReason, ticket: OptionalTicket }), {
    reason: rest.join(' '),
    ticket: options.get('ticket'),
  });
  if (!result.success) {
    const [issue] = result.issues;
    return markup`linkgate recorded no decision. The ${v.getDotPath(issue) ?? ''}: ${issue.message}`;
  }
  const { reason, ticket } = result.output;
  if (decision === 'deny' && reason === '')
    return markup`A denial needs a reason: \`/linkgate deny ${view.record.endpointId} &lt;reason&gt;\``;
  const answer = {
    decision,
    by: actor,
    ...(reason !== '' && { reason }),
    ...(ticket !== undefined && { ticket }),
  };
  return (await submitAnswer(view, answer, deps)).replyText;
}

/**
 * Loads a request.
 * @returns the reason as text if the request is unknown or the person is no approver
 */
async function loadCommandRequest(
  endpointId: string | undefined,
  actor: string,
  deps: DecideDeps,
): Promise<ApprovalView | Markup> {
  if (!v.is(EndpointId, endpointId)) return markup`Enter an endpoint id, such as \`vpce-0123456789abcdef0\`.`;
  const view = await loadApprovalView(endpointId, deps);
  if (!view) return unknownRequestText;
  return isMember(view.group, actor) ? view : notAnApproverText(view.group);
}

/** Refuses an allowlist entry that bypasses a quorum or a ticket: the entry accepts requests without a decision. */
async function allowAccount(
  { positionals: [accountId, name, expires] }: CommandArguments,
  actor: string,
  deps: DecideDeps,
): Promise<Markup> {
  if (!v.is(AccountId, accountId)) return markup`Enter an account id of 12 digits.`;
  const service = findServiceByName(name ?? '', await listRegisteredServices(deps));
  const group = service && (await findGroup(service.approvers, deps.table));
  if (!service || !group) return markup`linkgate does not know the service ${name ?? ''}.`;
  if (!isMember(group, actor)) return notAnApproverText(group);
  if (group.decisionChannels === 'api' || group.quorum > 1)
    return markup`One approver of the group ${group.name} cannot allow an account alone. Approve a request with its button, or use \`linkgate allow ${accountId} --service ${shellWord(service.name)}\`.`;
  if (service.requireTicket)
    return markup`${service.name} requires a ticket for each decision, and this command has none. Approve a request with its button *Approve and allow account*, or use \`linkgate allow ${accountId} --service ${shellWord(service.name)}\`.`;
  const expiry = expires === undefined ? undefined : parseExpiry(expires);
  if (expires !== undefined && !expiry)
    return markup`Enter a time in the future: ${explainInvalidExpiry(expires)}.`;
  const expiresAt = expiry && resolveExpiry(expiry, deps.now());
  if (expiresAt && expiresAt <= deps.now())
    return markup`Enter a time in the future, such as 2027-01-31 or 30d.`;
  const items = await deps.table.get(
    [service.serviceId, allServicesScope].map((at) => entryKey(at, accountId)),
  );
  const entries = items.map(readEntry);
  const before = entries.find(({ serviceId }) => serviceId === service.serviceId);
  if (listAccountOwners(entries).includes(actor))
    return markup`You own this account, so another approver has to allow it: ${approverMentions(group)}.`;
  const blocking = findBlock(entries)?.serviceId;
  if (blocking !== undefined) {
    const [scopeText, scopeArgument] =
      blocking === allServicesScope ? ['every service', allServicesScope] : [service.name, service.name];
    return markup`Account ${accountId} is blocked at ${scopeText}, and this command does not remove a block. To remove it, use \`linkgate allowlist remove ${accountId} --service ${shellWord(scopeArgument)}\`.`;
  }
  const entry = {
    serviceId: service.serviceId,
    accountId,
    effect: 'allow' as const,
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    ...(before?.owners && { owners: before.owners }),
    ...(before?.note !== undefined && { note: before.note }),
  };
  if (!(await putEntryIfUnchanged(before, entry, actor, deps)))
    return markup`Somebody changed the entry at the same time. linkgate changed nothing. Look at the entry, and try again.`;
  const until = expiresAt ? markup` until ${slackDate(expiresAt.toISOString())}` : '';
  const confirmation = markup`Account ${accountId} is on the allowlist of ${service.name}${until}.`;
  return joinMarkup([confirmation, ...replacedEntryText(entries)], ' ');
}
