import type { ApproverGroup } from '../approval/approver-group.ts';
import { type Stage, stageAt } from '../approval/asking.ts';
import { matterOf } from '../approval/standing.ts';
import { isLive } from '../connection/connection.ts';
import { findRecord } from '../connection/connection-record.ts';
import { advanced, transitionWrites } from '../connection/transition.ts';
import type { Service } from '../service/service.ts';
import { lost, untilWon } from '../table/contention.ts';
import { type AskedRecord, isAsked } from './asked-request.ts';
import { isCalledUponFor } from './notice.ts';
import type { Telling } from './telling.ts';

/** The stage that an open request has reached, where that is not written down yet. */
export function stageToWrite(
  record: AskedRecord,
  { onExpiry }: Pick<Service, 'onExpiry'>,
  now: Date,
): Stage | undefined {
  const stage = stageAt(record.asking, now);
  const isDecidedThen = stage === 'expired' && isDecidedInTheEnd(record, onExpiry);
  return isCalledUponFor(record) && stage !== record.asking.stage && !isDecidedThen ? stage : undefined;
}

/** What a service rejects when it expires, and what is cut then, is decided like everything else, by the policy. */
function isDecidedInTheEnd(record: AskedRecord, onExpiry: Service['onExpiry']): boolean {
  if (isLive(record.state)) return matterOf(record) === 'ending';
  return onExpiry === 'reject' && record.verdict?.outcome === 'ask';
}

/**
 * Writes the stage down that a request has reached; those between are passed over.
 * @param behind the group behind the one that was asked.
 */
export async function advance(
  record: AskedRecord,
  service: Pick<Service, 'onExpiry'>,
  behind: ApproverGroup | undefined,
  deps: Telling,
): Promise<AskedRecord | undefined> {
  return untilWon(record.endpointId, async (isFirst) => {
    const before = isFirst ? record : await findRecord(record.endpointId, deps.table);
    if (!isAsked(before)) return undefined;
    const now = deps.now();
    const stage = stageToWrite(before, service, now);
    if (stage === undefined) return before;
    const transition = advanced(before, stage, behind?.name, now);
    await deps.table.write(transitionWrites(before, transition, deps.requestId));
    // Written or not, it is read anew, and found to be there.
    return lost;
  });
}
