import type { AllowlistEntry } from '../allowlist/entry.ts';
import { recordsOf } from '../connection/account-history.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import type { Invocation } from '../invocation.ts';
import { consult, policyKeys } from '../policy/consult.ts';
import type { Service } from '../service/service.ts';
import { byKey } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { type ApproverGroup, groupKey, readGroup } from './approver-group.ts';

/** A request with all that an approver wants to know of it, whichever way it is shown. */
export interface RequestView {
  readonly record: ConnectionRecord;
  readonly service: Service;
  /** As it is now: who may decide is said at the moment of the decision. */
  readonly group: ApproverGroup;
  /** What the allowlist says of the account: at the service, then at every service. */
  readonly entries: readonly AllowlistEntry[];
  /** The account's earlier connections at the service, the newest first. */
  readonly earlier: readonly ConnectionRecord[];
}

/** How far back an account's history is told. */
const earlierAtMost = 20;

/**
 * @param withHistory reads the account's earlier connections too, two reads for each request.
 * @returns a view of each record whose service and group are there, in their order.
 */
export async function requestViews(
  records: readonly ConnectionRecord[],
  deps: { readonly table: Table } & Pick<Invocation, 'report'>,
  { withHistory = true }: { readonly withHistory?: boolean } = {},
): Promise<RequestView[]> {
  const found = byKey(await deps.table.get(records.flatMap(policyKeys)));
  const consultations = records.map((record) => consult(record, found));
  const names = new Set(consultations.flatMap(({ service }) => service?.approvers ?? []));
  const groups = (await deps.table.get([...names].map(groupKey))).map(readGroup);
  const views = records.map(async (record, index): Promise<RequestView | undefined> => {
    const { service, entries = [] } = consultations[index] ?? {};
    const group = groups.find(({ name }) => name === service?.approvers);
    if (!service || !group) return undefined;
    const theirs = withHistory ? await recordsOf(record.ownerAccountId, earlierAtMost, deps) : [];
    const earlier = theirs.filter(
      ({ endpointId, serviceId }) => endpointId !== record.endpointId && serviceId === record.serviceId,
    );
    return { record, service, group, entries, earlier };
  });
  return (await Promise.all(views)).filter((view) => view !== undefined);
}
