import { slackActor } from '../approval/actor.ts';
import type { ApproverGroup } from '../approval/approver-group.ts';
import { isNamedIn } from '../approval/may-decide.ts';
import type { RequestView } from '../approval/request-view.ts';
import { matterOf } from '../approval/standing.ts';
import { areRequests, waitingIn } from '../approval/tally.ts';
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
  const called = mentions(waiting.group, escalation);
  const what = 'record' in waiting ? aboutOne(waiting, now) : aboutAll(waiting, now);
  return within(limits.text, markup`${called} ${what}${roleOf(escalation, waiting.group)}`);
}

/** Those who are called upon when time runs out decide only where they are approvers too. */
function roleOf(escalation: ApproverGroup | undefined, group: ApproverGroup): string {
  const isForOthers = escalation?.slackUsers.some((user) => !isNamedIn(group, slackActor(user)));
  return isForOthers
    ? ` The group ${escalation?.name} is called upon to see that it is decided; deciding is for the group ${group.name}.`
    : '';
}

function aboutOne({ record, service }: RequestView, now: Date): Markup {
  const { endpointId, ownerAccountId: account, asking } = record;
  const explained = markup`(\`linkgate explain ${endpointId}\`)`;
  const matter = matterOf(record);
  if (matter === 'ending' && asking)
    return markup`${endpointId} of account ${account} at ${service.name} will be cut on ${dateOf(asking.deadline)}, unless somebody keeps it connected or extends it ${explained}.`;
  const waits = matter === 'request' ? 'still waits for approval' : 'is connected and still to be decided';
  return markup`${endpointId} of account ${account} ${waits} at ${service.name} ${explained}${untilIn(asking?.deadline, now)}`;
}

function aboutAll({ records }: Digest, now: Date): Markup {
  const open = records.filter(isOpen);
  const [deadline] = open.flatMap(({ asking }) => asking?.deadline ?? []).sort();
  if (areRequests(open))
    return markup`${open.length === 1 ? '1 request still waits' : `${open.length} requests still wait`} for approval${untilIn(deadline, now)}`;
  const runsOut = deadline !== undefined && new Date(deadline) > now ? 'runs out' : 'ran out';
  const first = deadline === undefined ? '' : markup` The first time ${runsOut} on ${dateOf(deadline)}.`;
  return markup`Still to be decided: ${waitingIn(open)}.${first}`;
}

/** Until when people have time, to end a sentence with. */
function untilIn(deadline: string | undefined, now: Date): Markup {
  if (deadline === undefined) return markup`.`;
  return new Date(deadline) > now
    ? markup`, until ${dateOf(deadline)}.`
    : markup`: nobody decided it before ${dateOf(deadline)}. It can still be decided.`;
}

function mentions(group: ApproverGroup, escalation: ApproverGroup | undefined): Markup {
  const users = [...group.slackUsers, ...(escalation?.slackUsers ?? [])].map(({ user }) => user);
  return joined([...new Set(users)].map(mention), ' ');
}
