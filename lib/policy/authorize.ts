import type { AllowlistEntry } from '../allowlist/entry.ts';
import { actorChannel, emailActor, slackActor } from '../approvers/actor.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import type { Service } from '../services/service.ts';

/** The inputs of an authorization. */
interface Authority {
  readonly service: Pick<Service, 'name' | 'requireTicket'>;
  readonly group: ApproverGroup;
  /** The allowlist entries of the account. */
  readonly entries: readonly AllowlistEntry[];
}

/** A person may not decide, or not with this decision. */
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
 * Checks that a person may decide, at the time of the decision. IAM has already authorized callers of the API.
 * @throws NotAuthorizedError
 */
export function authorizeDecision(
  decision: Pick<PersonDecision, 'by' | 'decision' | 'ticket'>,
  authority: Authority,
): void {
  const { service, group } = authority;
  requireApprover(decision, authority);
  if (service.requireTicket && !decision.ticket)
    throw new NotAuthorizedError(
      'no-ticket',
      `${service.name} requires a ticket id with each decision`,
      group,
    );
}

/**
 * Checks that a person is an approver and no owner of the account.
 * @throws NotAuthorizedError
 */
export function requireApprover(
  decision: Pick<PersonDecision, 'by' | 'decision'>,
  authority: Authority,
): void {
  const denial = denialReason(decision, authority);
  if (denial) throw new NotAuthorizedError(...denial, authority.group);
}

/** Whether an earlier decision still counts: its author is still an approver, and does not own the account. */
export function isStillAuthorized(
  decision: Pick<PersonDecision, 'by' | 'decision'>,
  authority: Authority,
): boolean {
  return denialReason(decision, authority) === undefined;
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
  if (decision === 'approve' && listAccountOwners(entries).some((owner) => isSameActor(owner, by)))
    return ['owner', `${by} owns the account of this request: somebody else has to approve it`];
  return undefined;
}

export function isMember({ slackUsers, emails }: ApproverGroup, actor: string): boolean {
  return (
    slackUsers.some((user) => slackActor(user) === actor) ||
    emails.some((email) => emailActor(email) === actor)
  );
}

/**
 * Whether an actor is the named one. Any session of a named IAM role matches (IAM User Guide, IAM identifiers: a session's ARN
 * has no path).
 */
function isSameActor(configuredActor: string, by: string): boolean {
  const [, partition, account, role] =
    /^arn:([^:]+):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(configuredActor) ?? [];
  return role === undefined
    ? configuredActor === by
    : by.startsWith(`arn:${partition}:sts::${account}:assumed-role/${role}/`);
}

/** Lists the actors that any entry names as owners of the account. */
export function listAccountOwners(entries: readonly AllowlistEntry[]): string[] {
  return entries.flatMap(({ owners = [] }) => owners);
}
