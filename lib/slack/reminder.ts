import { slackActor } from '../approval/actor.ts';
import type { ApproverGroup } from '../approval/approver-group.ts';
import { isNamedIn } from '../approval/may-decide.ts';
import type { RequestView } from '../approval/request-view.ts';
import { isOpen } from '../connection/connection-record.ts';
import { joined, limits, type Markup, markup, within } from './boundary.ts';
import type { Digest } from './digest-message.ts';
import { dateOf, mention } from './words.ts';

/** Calls upon those who can decide what still waits, and when time runs out upon the group behind them. */
export function reminderText(
  waiting: RequestView | Digest,
  escalation: ApproverGroup | undefined,
  now: Date,
): string {
  const { what, deadline } = subjectOf(waiting);
  const called = mentions(waiting.group, escalation);
  const time =
    deadline === undefined
      ? markup`.`
      : new Date(deadline) > now
        ? markup`, until ${dateOf(deadline)}.`
        : markup`: nobody decided it before ${dateOf(deadline)}. It can still be decided.`;
  return within(limits.text, markup`${called} ${what}${time}${roleOf(escalation, waiting.group)}`);
}

/** Those who are called upon when time runs out decide only where they are approvers too. */
function roleOf(escalation: ApproverGroup | undefined, group: ApproverGroup): string {
  const isForOthers = escalation?.slackUsers.some((user) => !isNamedIn(group, slackActor(user)));
  return isForOthers
    ? ` The group ${escalation?.name} is called upon to see that it is decided; deciding is for the group ${group.name}.`
    : '';
}

function subjectOf(waiting: RequestView | Digest): { what: Markup; deadline: string | undefined } {
  if ('record' in waiting) {
    const { record, service } = waiting;
    const what = markup`${record.endpointId} of account ${record.ownerAccountId} still waits for approval at ${service.name} (\`linkgate explain ${record.endpointId}\`)`;
    return { what, deadline: record.asking?.deadline };
  }
  const open = waiting.records.filter(isOpen);
  const [deadline] = open.flatMap(({ asking }) => asking?.deadline ?? []).sort();
  return { what: markup`${open.length} requests still wait for approval`, deadline };
}

function mentions(group: ApproverGroup, escalation: ApproverGroup | undefined): Markup {
  const users = [...group.slackUsers, ...(escalation?.slackUsers ?? [])].map(({ user }) => user);
  return joined([...new Set(users)].map(mention), ' ');
}
