import type { AllowlistEntry } from '../allowlist/entry.ts';
import { type ApproverGroup, groupKey, readGroup } from '../approvers/approver-group.ts';
import { type ConnectionRecord, findRecord } from '../connections/connection-record.ts';
import { listEarlierConnections } from '../connections/connections-by-account.ts';
import type { Mode } from '../mode/mode.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Service, servicesPartition } from '../services/service.ts';
import { indexByKey, parseEach, rethrow } from '../storage/entity.ts';
import type { Table } from '../storage/table.ts';

/** What approvers have to know of a service. */
export type ServiceSummary = Pick<Service, 'serviceId' | 'name' | 'approvers' | 'requireTicket' | 'onExpiry'>;

/** A request with all that an approver wants to know of it, whichever way it is shown. */
export interface ApprovalView {
  readonly record: ConnectionRecord;
  readonly service: ServiceSummary;
  /** As it is now: who may decide is said at the moment of the decision. */
  readonly group: ApproverGroup;
  /** What the allowlist says of the account: at the service, then at every service. */
  readonly entries: readonly AllowlistEntry[];
  /** The account's earlier connections at the service, as far as they are remembered, the newest first. */
  readonly earlierConnections: readonly ConnectionRecord[];
  /** As far as linkgate's own table knows: enough for what people are told. */
  readonly mode: Mode;
}

/** How far back an account's history is told. */
const maxEarlierConnections = 20;

interface LoadApprovalViewDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
}

interface LoadApprovalViewOptions {
  /** Read the account's earlier connections too, two reads for each request; so it is unless this says otherwise. */
  readonly withHistory?: boolean;
  /** What becomes of an error by which there is no view of a record; it is reported unless this says otherwise. */
  readonly onUnreadable?: (error: unknown) => void;
}

/**
 * @returns a view of each record whose service and group are there, in their order; also of what was given up with its service.
 */
export async function loadApprovalViews(
  records: readonly ConnectionRecord[],
  deps: LoadApprovalViewDeps,
  { withHistory = true, onUnreadable = deps.reportError }: LoadApprovalViewOptions = {},
): Promise<ApprovalView[]> {
  const found = indexByKey(await deps.table.get(records.flatMap(policyInputKeys)));
  const allPolicyInputs = records.map((record) => readPolicyInputs(record, found));
  const services = records.map(
    (record, index) => allPolicyInputs[index]?.service ?? summarizeDeregisteredService(record),
  );
  for (const { unreadable } of allPolicyInputs.filter((_, index) => !services[index]))
    for (const error of unreadable.filter(({ key }) => key.pk === servicesPartition)) onUnreadable(error);
  const names = new Set(services.flatMap((service) => service?.approvers ?? []));
  const groups = parseEach(await deps.table.get([...names].map(groupKey)), readGroup, onUnreadable);
  const mode = allPolicyInputs.some(({ isObserving }) => isObserving) ? 'observe' : 'enforce';
  const views = records.map(async (record, index): Promise<ApprovalView | undefined> => {
    const { entries = [] } = allPolicyInputs[index] ?? {};
    const service = services[index];
    const group = groups.find(({ name }) => name === service?.approvers);
    if (!service || !group) return undefined;
    const earlier = withHistory ? await listEarlierConnections(record, maxEarlierConnections, deps) : [];
    return { record, service, group, entries, earlierConnections: earlier, mode };
  });
  return (await Promise.all(views)).filter((view) => view !== undefined);
}

/**
 * The view of one request; nothing where linkgate knows no such request.
 * @throws UnreadableItemError where its record, its service or its group cannot be read
 */
export async function loadApprovalView(
  endpointId: string,
  deps: LoadApprovalViewDeps,
  options?: Pick<LoadApprovalViewOptions, 'withHistory'>,
): Promise<ApprovalView | undefined> {
  const record = await findRecord(endpointId, deps.table);
  const [view] = record ? await loadApprovalViews([record], deps, { ...options, onUnreadable: rethrow }) : [];
  return view;
}

/** Its own name is known no longer. */
function summarizeDeregisteredService({
  serviceId,
  serviceDeregisteredAt,
  approvalRequest,
}: ConnectionRecord): ServiceSummary | undefined {
  return serviceDeregisteredAt !== undefined && approvalRequest
    ? { serviceId, name: serviceId, approvers: approvalRequest.group }
    : undefined;
}
