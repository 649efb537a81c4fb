import * as v from 'valibot';
import { EndpointId } from '../privatelink/connection.ts';
import { entity, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { Key, Write } from '../storage/table.ts';
import { type ConnectionRecord, isAwaitingApproval } from './connection-record.ts';

const awaitingApprovalEntity = entity({ endpointId: EndpointId, version: v.number() });
export const readAwaitingApproval = awaitingApprovalEntity.read;

/** Returns the partition that contains the pointers to all records that await an approver group. */
export function awaitingApprovalPartition(group: string): string {
  return `AWAITING_APPROVAL#${group}`;
}

/** Returns the approver group that an open request awaits. */
export function awaitedGroup(record: ConnectionRecord | undefined): string | undefined {
  return record?.approvalRequest && isAwaitingApproval(record) ? record.approvalRequest.group : undefined;
}

/** Builds the writes that update the pointer with its record. */
export function awaitingApprovalWrites(
  before: ConnectionRecord | undefined,
  after: ConnectionRecord,
): Write[] {
  const [was, is] = [awaitedGroup(before), awaitedGroup(after)];
  if (was === is) return [];
  const { endpointId } = after;
  const key = (group: string): Key => ({ pk: awaitingApprovalPartition(group), sk: endpointId });
  return [
    ...(was === undefined ? [] : [{ remove: key(was) }]),
    ...(is === undefined ? [] : [{ put: awaitingApprovalEntity.item(key(is), { endpointId, version: 1 }) }]),
  ];
}

/** Yields the endpoint ids that await an approver group, page by page. */
export async function* listAwaiting(
  group: string,
  { table, reportError }: ReadDeps,
): AsyncIterable<string[]> {
  for await (const page of table.query(awaitingApprovalPartition(group)))
    yield parseEach(page, awaitingApprovalEntity.read, reportError).map(({ endpointId }) => endpointId);
}
