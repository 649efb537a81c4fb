import type { AllowlistEntry } from '../allowlist/entry.ts';
import { actorChannel, emailActor, slackActor } from '../approvers/actor.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import type { Service } from '../services/service.ts';

/** Who may decide a request, and how. */
interface Authority {
  readonly service: Pick<Service, 'name' | 'requireTicket'>;
  readonly group: ApproverGroup;
  /** What the allowlist says of the asking account. */
  readonly entries: readonly AllowlistEntry[];
}

/** Somebody spoke who may not, or not like this. */
export class NotAuthorizedError extends Error {
  override readonly name = 'NotAuthorizedError';
  readonly code: 'not-an-approver' | 'api-only' | 'owner' | 'no-ticket';
  readonly group: ApproverGroup;

  constructor(code: NotAuthorizedError['code'], message: string, group: ApproverGroup) {
    super(message);
    this.code = code;
    this.group = group;
  }
}

/**
 * Checks at the moment of the decision that its author may make it. Of those who come through the API IAM has said it.
 * @throws NotAuthorizedError
 */
export function authorizeDecision(
  word: Pick<PersonDecision, 'by' | 'decision' | 'ticket'>,
  authority: Authority,
): void {
  const { service, group } = authority;
  requireApprover(word, authority);
  if (service.requireTicket && !word.ticket)
    throw new NotAuthorizedError('no-ticket', `${service.name} wants a ticket id with each decision`, group);
}

/**
 * Checks that somebody is an approver who may speak for the account, whatever else a decision wants.
 * @throws NotAuthorizedError
 */
export function requireApprover(word: Pick<PersonDecision, 'by' | 'decision'>, authority: Authority): void {
  const objection = denialReason(word, authority);
  if (objection) throw new NotAuthorizedError(...objection, authority.group);
}

/** Whether a word from before counts still: whoever said it may be no approver any more, or own the account by now. */
export function isStillAuthorized(
  word: Pick<PersonDecision, 'by' | 'decision'>,
  authority: Authority,
): boolean {
  return denialReason(word, authority) === undefined;
}

function denialReason(
  { by, decision }: Pick<PersonDecision, 'by' | 'decision'>,
  { service, group, entries }: Authority,
): [why: NotAuthorizedError['code'], message: string] | undefined {
  if (actorChannel(by) !== 'api') {
    if (!isMember(group, by))
      return ['not-an-approver', `${by} is not an approver of ${service.name} (group ${group.name})`];
    if (group.decisionChannels === 'api')
      return ['api-only', `the group ${group.name} decides by the command line or the API only`];
  }
  if (decision === 'approve' && listAccountOwners(entries).some((owner) => isActor(owner, by)))
    return ['owner', `${by} owns the account that asks: somebody else has to approve it`];
  return undefined;
}

export function isMember({ slackUsers, emails }: ApproverGroup, actor: string): boolean {
  return (
    slackUsers.some((user) => slackActor(user) === actor) ||
    emails.some((email) => emailActor(email) === actor)
  );
}

/** Whoever assumed an IAM role speaks for it, in whichever session (IAM User Guide, IAM identifiers: a session's ARN has no path). */
function isActor(named: string, by: string): boolean {
  const [, partition, account, role] = /^arn:([^:]+):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(named) ?? [];
  return role === undefined
    ? named === by
    : by.startsWith(`arn:${partition}:sts::${account}:assumed-role/${role}/`);
}

/** Actors who own the account, by any of its entries. */
export function listAccountOwners(entries: readonly AllowlistEntry[]): string[] {
  return entries.flatMap(({ owners = [] }) => owners);
}
