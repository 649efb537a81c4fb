import { type ApproverGroup, findGroup } from '../approval/approver-group.ts';
import type { Stage } from '../approval/asking.ts';
import { readService, type Service, serviceKey } from '../service/service.ts';
import { readEach } from '../table/item.ts';
import { advance, stageToWrite } from './advance.ts';
import { type AskedRecord, groupBehind, isAsked, isEscalated } from './asked-request.ts';
import { type Digest, findDigest, membersOf, stageOfAll } from './digest.ts';
import type { Telling } from './telling.ts';

/** A digest with all that it takes to tell of it. */
export interface Together {
  readonly digest: Digest;
  readonly group: ApproverGroup;
  readonly records: readonly AskedRecord[];
  readonly services: readonly Service[];
  /** The latest that open ones are at. */
  readonly stage: Stage;
  /** The group behind this one. */
  readonly behind: ApproverGroup | undefined;
  /** The same, once it is time. */
  readonly escalation: ApproverGroup | undefined;
}

/** @returns nothing where the digest, or the group that it is for, is not there. */
export async function readTogether(id: string, deps: Telling): Promise<Together | undefined> {
  const digest = await findDigest(id, deps.table);
  const group = digest && (await findGroup(digest.group, deps.table));
  if (!group) return undefined;
  const records = (await membersOf(digest, deps)).filter(isAsked);
  const keys = records.map(({ serviceId }) => serviceKey(serviceId));
  const services = readEach(await deps.table.get(keys), readService, deps.report);
  return at(records, { digest, group, services, behind: await groupBehind(group, deps) });
}

/** Whether the time of any has run further than is written down. */
export function isAnyToAdvance({ records, services }: Together, now: Date): boolean {
  return records.some((record) => {
    const service = services.find(({ serviceId }) => serviceId === record.serviceId);
    return service && stageToWrite(record, service, now) !== undefined;
  });
}

/** Writes down of each the stage that it has reached. */
export async function advanceAll(together: Together, deps: Telling): Promise<Together> {
  const { services, behind } = together;
  const records: AskedRecord[] = [];
  for (const before of together.records) {
    const service = services.find(({ serviceId }) => serviceId === before.serviceId);
    const record = service ? await advance(before, service, behind, deps) : before;
    if (record) records.push(record);
  }
  return at(records, together);
}

function at(
  records: readonly AskedRecord[],
  together: Omit<Together, 'records' | 'stage' | 'escalation'>,
): Together {
  const stage = stageOfAll(records);
  return { ...together, records, stage, escalation: isEscalated(stage) ? together.behind : undefined };
}
