import { isDeepStrictEqual } from 'node:util';
import type { Connection } from '../connection/connection.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import { decide, type Verdict } from '../policy/decide.ts';
import type { Policy } from '../policy/rule.ts';
import type { Table } from '../table/table.ts';
import { type Approval, approved, denied, type Heard, heardIn } from './approval.ts';
import { findGroup, nobody, UnknownGroupError } from './approver-group.ts';
import { deadlineFrom, isExpiry, withDeadline } from './asking.ts';
import { checkAuthority, stillCounts } from './may-decide.ts';

/** The verdict on a request, and all that people have said of it. */
interface Conclusion {
  readonly verdict: Verdict;
  readonly heard: Heard;
  /** The word that was added now; left out where it came too late. */
  readonly word?: Approval;
}

interface Circumstances {
  readonly policy: Policy;
  readonly now: Date;
  readonly table: Table;
}

/**
 * What policy and people's words, a new one among them, come to.
 * @throws UnknownGroupError, MayNotDecideError
 */
export async function conclude(
  request: Connection,
  before: ConnectionRecord | undefined,
  word: Approval | undefined,
  { policy, now, table }: Circumstances,
): Promise<Conclusion> {
  const { service } = policy;
  const deadline = before?.asking?.deadline ?? deadlineFrom(service, now);
  const judge = (heard: Heard) =>
    withDeadline(withCount(decide(request, policy, heard.approval, now), heard), service, deadline, now);
  const heardBefore = heardIn(before);
  const unsaid = { heard: heardBefore, verdict: judge(heardBefore) };
  // What a service rejects after the deadline it rejects, also where somebody speaks before that is written down.
  if (!word || isExpiry(unsaid.verdict)) return unsaid;
  const heard = await heardWith(word, heardBefore, policy, table);
  return { word, heard, verdict: judge(heard) };
}

/**
 * All that people have said, with a new word.
 * @throws UnknownGroupError, MayNotDecideError
 */
export async function heardWith(
  word: Approval,
  before: Heard,
  { service, entries }: Policy,
  table: Table,
): Promise<Heard> {
  const found = await findGroup(service.approvers, table);
  if (!found && word.decision === 'approve') throw new UnknownGroupError(service.approvers);
  const group = found ?? nobody(service.approvers);
  const authority = { service, group, entries };
  checkAuthority(word, authority);
  return word.decision === 'deny'
    ? denied(before, word)
    : approved(before, word, group.quorum, (each) => stillCounts(each, authority));
}

/** A form that is sent twice, or two at once: it counts once, unless what it takes to close the request has changed. */
export function isSaidAlready({ at: _, ...word }: Approval, { approvals }: Heard, heard: Heard): boolean {
  const isThere = (approvals?.words ?? []).some(({ at: _at, ...said }) => isDeepStrictEqual(said, word));
  return isThere && !heard.approval && heard.approvals?.words.length === approvals?.words.length;
}

/** Adds to a verdict that rests on several people's word, or waits for it, how many have approved. */
export function withCount(verdict: Verdict, { approval, approvals }: Heard): Verdict {
  const { outcome, findings } = verdict;
  const isAboutPeople = outcome === 'ask' || outcome === 'wait' || (outcome === 'accept' && approval);
  if (!approvals || !isAboutPeople) return verdict;
  const { words, quorum } = approvals;
  const reason = `${words.length} of ${quorum} approvals: ${words.map(({ by }) => by).join(', ')}`;
  const count = { rule: 'quorum', outcome, reason };
  // What is told first is why it is so: what stops a service comes before how many have approved.
  return { ...verdict, findings: outcome === 'ask' ? [count, ...findings] : [...findings, count] };
}
