import { type Digest, findDigest, latestStage, readDigestMembers } from '../approvals/digest.ts';
import { countBy, maxNamedAccounts } from '../approvals/summary.ts';
import { type ApproverGroup, findGroup } from '../approvers/approver-group.ts';
import { maxListedInEmail } from '../channels/email/digest-email.ts';
import type { EscalationStage } from '../connections/approval-request.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import { findCustomersByAccount } from '../customers/customer-by-account.ts';
import { readService, type Service, serviceKey } from '../services/service.ts';
import { parseEach } from '../storage/entity.ts';
import { advanceNotifiedStage, nextStage } from './advance-stage.ts';
import { type AwaitingRecord, escalationGroup, hasApprovalRequest, isEscalated } from './awaiting-record.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** A digest with everything that a notification about it needs. */
export interface DigestState {
  readonly digest: Digest;
  readonly group: ApproverGroup;
  readonly records: readonly AwaitingRecord[];
  readonly services: readonly Service[];
  /** Customers' names by account id, for the accounts that a notification names. */
  readonly customers: ReadonlyMap<string, string>;
  /** The latest stage of its open requests. */
  readonly stage: EscalationStage;
  /** The group to which this group escalates. */
  readonly nextGroup: ApproverGroup | undefined;
  /** The same group, from the stage `escalated` on. */
  readonly escalation: ApproverGroup | undefined;
}

/** @returns undefined if the digest or its group does not exist. */
export async function loadDigest(id: string, deps: NotifyDeps): Promise<DigestState | undefined> {
  const digest = await findDigest(id, deps.table);
  const group = digest && (await findGroup(digest.group, deps.table));
  if (!group) return undefined;
  const records = (await readDigestMembers(digest, deps)).filter(hasApprovalRequest);
  const keys = records.map(({ serviceId }) => serviceKey(serviceId));
  const services = parseEach(await deps.table.get(keys), readService, deps.reportError);
  const customers = await findCustomersByAccount(selectNamedAccounts(records), deps);
  return withLatestStage(records, {
    digest,
    group,
    services,
    customers: new Map([...customers].map(([accountId, { name }]) => [accountId, name])),
    nextGroup: await escalationGroup(group, deps),
  });
}

/** Selects the accounts with the most open requests, and the accounts of the requests that an e-mail lists. */
function selectNamedAccounts(records: readonly AwaitingRecord[]): string[] {
  const open = records.filter(isAwaitingApproval);
  const largest = countBy(open, ({ ownerAccountId }) => ownerAccountId).slice(0, maxNamedAccounts);
  const listed = open.slice(0, maxListedInEmail).map(({ ownerAccountId }) => ownerAccountId);
  return [...new Set([...largest.map(([accountId]) => accountId), ...listed])];
}

/** Whether any request is in a later stage than its record. */
export function hasStageToAdvance({ records, services }: DigestState, now: Date): boolean {
  return records.some((record) => {
    const service = services.find(({ serviceId }) => serviceId === record.serviceId);
    return service && nextStage(record, service, now) !== undefined;
  });
}

/** Records the current stage of each request. */
export async function advanceStages(digestState: DigestState, deps: NotifyDeps): Promise<DigestState> {
  const { services, nextGroup } = digestState;
  const records: AwaitingRecord[] = [];
  for (const before of digestState.records) {
    const service = services.find(({ serviceId }) => serviceId === before.serviceId);
    const record = service ? await advanceNotifiedStage(before, service, nextGroup, deps) : before;
    if (record) records.push(record);
  }
  return withLatestStage(records, digestState);
}

function withLatestStage(
  records: readonly AwaitingRecord[],
  digestState: Omit<DigestState, 'records' | 'stage' | 'escalation'>,
): DigestState {
  const stage = latestStage(records);
  return {
    ...digestState,
    records,
    stage,
    escalation: isEscalated(stage) ? digestState.nextGroup : undefined,
  };
}
