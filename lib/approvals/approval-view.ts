import { type ApproverGroup, groupKey, readGroup } from '../approvers/approver-group.ts';
import { type ConnectionRecord, connectionEntity, recordKey } from '../connections/connection-record.ts';
import { listEarlierConnections } from '../connections/indexes.ts';
import { customerKey } from '../customers/customer.ts';
import {
  accountPointerKey,
  readAccountPointer,
  selectCustomersByAccount,
} from '../customers/customer-by-account.ts';
import type { Mode } from '../mode/mode.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { servicesPartition } from '../services/service.ts';
import { indexByKey, parseEach, rethrow } from '../storage/entity.ts';
import type { Table } from '../storage/table.ts';
import type { ServiceSummary, StatusContext } from './status.ts';

/** An approval request with everything that a message in any channel needs. */
export interface ApprovalView extends StatusContext {
  readonly service: ServiceSummary;
  /** The current group, because authorization is checked at the time of the decision. */
  readonly group: ApproverGroup;
  /** The account's customer. */
  readonly customer?: string;
  /** The account's earlier connections at the service that have records, newest first. */
  readonly earlierConnections: readonly ConnectionRecord[];
  /** The mode in the table, read without a call to SSM. Messages do not need the exact mode. */
  readonly mode: Mode;
}

/** The maximum number of earlier connections in a view. */
const maxEarlierConnections = 20;

interface LoadApprovalViewDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
}

interface LoadApprovalViewOptions {
  /** Whether to read the account's earlier connections, which costs two reads per request. Default: true. */
  readonly withHistory?: boolean;
  /** Handles an error that prevents the view of a record. Default: report it. */
  readonly onUnreadable?: Runtime['reportError'];
}

/**
 * @returns the views of the records whose service and group exist, in their order, and of records of deregistered services.
 */
export async function loadApprovalViews(
  records: readonly ConnectionRecord[],
  deps: LoadApprovalViewDeps,
  { withHistory = true, onUnreadable = deps.reportError }: LoadApprovalViewOptions = {},
): Promise<ApprovalView[]> {
  const pointerKeys = records.map(({ ownerAccountId }) => accountPointerKey(ownerAccountId));
  const itemsByKey = indexByKey(await deps.table.get([...records.flatMap(policyInputKeys), ...pointerKeys]));
  const pointers = parseEach(itemsByKey.all(pointerKeys), readAccountPointer, deps.reportError);
  const allPolicyInputs = records.map((record) => readPolicyInputs(record, itemsByKey));
  const services = records.map(
    (record, index) => allPolicyInputs[index]?.service ?? summarizeDeregisteredService(record),
  );
  for (const { unreadable } of allPolicyInputs.filter((_, index) => !services[index]))
    for (const error of unreadable.filter(({ key }) => key.pk === servicesPartition))
      onUnreadable(error, 'read item');
  const names = new Set(services.flatMap((service) => service?.approvers ?? []));
  const groupKeys = [...names].map(groupKey);
  const customerKeys = pointers.map(({ customer }) => customerKey(customer));
  const groupsAndCustomers = indexByKey(await deps.table.get([...groupKeys, ...customerKeys]));
  const groups = parseEach(groupsAndCustomers.all(groupKeys), readGroup, onUnreadable);
  const customers = selectCustomersByAccount(pointers, groupsAndCustomers, deps.reportError);
  const mode = allPolicyInputs.some(({ isObserving }) => isObserving) ? 'observe' : 'enforce';
  const views = records.map(async (record, index): Promise<ApprovalView | undefined> => {
    const { entries = [] } = allPolicyInputs[index] ?? {};
    const service = services[index];
    const group = groups.find(({ name }) => name === service?.approvers);
    if (!service || !group) return undefined;
    const earlier = withHistory ? await listEarlierConnections(record, maxEarlierConnections, deps) : [];
    const customer = customers.get(record.ownerAccountId)?.name;
    return {
      record,
      service,
      group,
      ...(customer !== undefined && { customer }),
      entries,
      earlierConnections: earlier,
      mode,
    };
  });
  return (await Promise.all(views)).filter((view) => view !== undefined);
}

/**
 * @returns the view of one request, undefined if it has no record.
 * @throws UnreadableItemError if its record, its service or its group is unreadable
 */
export async function loadApprovalView(
  endpointId: string,
  deps: LoadApprovalViewDeps,
  options?: Pick<LoadApprovalViewOptions, 'withHistory'>,
): Promise<ApprovalView | undefined> {
  const record = await connectionEntity.find(recordKey(endpointId), deps.table);
  const [view] = record ? await loadApprovalViews([record], deps, { ...options, onUnreadable: rethrow }) : [];
  return view;
}

/** Summarizes a deregistered service by its id: its name is deleted. */
function summarizeDeregisteredService({
  serviceId,
  serviceDeregisteredAt,
  approvalRequest,
}: ConnectionRecord): ServiceSummary | undefined {
  return serviceDeregisteredAt !== undefined && approvalRequest
    ? { serviceId, name: serviceId, approvers: approvalRequest.group }
    : undefined;
}
