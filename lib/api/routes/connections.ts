import { openCommands } from '../../approvals/status-text.ts';
import {
  type SubmitResult,
  type SubmittedDecision,
  submitDecision,
} from '../../approvals/submit-decision.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { pickRecordedDecisions } from '../../connections/person-decision.ts';
import { findCustomersByAccount } from '../../customers/customer-by-account.ts';
import { withCustomerNames } from '../../customers/customer-names.ts';
import { explainConnection } from '../../inspection/explain.ts';
import { listConnections } from '../../inspection/list-connections.ts';
import { loadPolicyInputs } from '../../policy/policy-inputs.ts';
import { isConnected } from '../../privatelink/connection.ts';
import { listRegisteredServices, uniqueLocations } from '../../services/registered-services.ts';
import type { Table } from '../../storage/table.ts';
import { writePlain } from '../../values/styled-text.ts';
import { ApiError } from '../api-error.ts';
import type { ApiDeps } from '../env.ts';
import { ConnectionsQuery, DecisionInput } from '../input.ts';
import { requireEndpointId, requireService, unknownEndpointError } from '../lookup.ts';
import type { ApiRequest, Routes } from '../request.ts';
import { notOpenError } from '../responses.ts';
import { withServiceNames } from '../views.ts';

export const connectionsRoutes: Routes = {
  'GET /connections': async (request, api) => {
    const query = request.query(ConnectionsQuery);
    const services =
      query.service === undefined
        ? await listRegisteredServices(api)
        : [await requireService(query.service, api)];
    const listing = {
      locations: uniqueLocations(services),
      serviceIds: services.map(({ serviceId }) => serviceId),
      state: query.state,
      ownerAccountId: query.account,
      waiting: query.waiting === 'true',
      differs: query.differs === 'true',
    };
    const page = await listConnections(listing, query.nextToken, api);
    const connections = await withCustomerNames(
      withServiceNames(page.connections, services),
      ({ ownerAccountId }) => ownerAccountId,
      api,
    );
    return { ...page, connections };
  },
  'GET /connections/{endpointId}': async (request, api) => {
    const endpointId = requireEndpointId(request);
    const explanation = await explainConnection(endpointId, api);
    if (!explanation) throw unknownEndpointError(endpointId);
    const { ownerAccountId } = explanation.connection;
    const customer = (await findCustomersByAccount([ownerAccountId], api)).get(ownerAccountId)?.name;
    return {
      ...explanation,
      connection: { ...explanation.connection, ...(customer !== undefined && { customer }) },
    };
  },
  'POST /connections/{endpointId}/decision': async (request, api) => {
    const endpointId = requireEndpointId(request);
    const decision = { ...(await request.body(DecisionInput, 'the decision')), by: api.caller };
    const result = await submitDecision(endpointId, decision, api);
    if (result.status === 'unknown') throw unknownEndpointError(endpointId);
    const recordedDecision = await requireDecision(endpointId, result, decision, request, api.table);
    return {
      decision: decisionView(recordedDecision),
      warnings: await warnDecisionNotApplied(recordedDecision, api),
    };
  },
};

type AppliedDecision = Omit<Extract<SubmitResult, { status: 'decided' }>, 'status'>;

/**
 * Finds the decision of this run, or of an earlier run of this request that crashed before its response.
 * @throws ApiError
 */
async function requireDecision(
  endpointId: string,
  result: Exclude<SubmitResult, { status: 'unknown' }>,
  { by, decision }: SubmittedDecision,
  { firstRequestedAt }: ApiRequest,
  table: Table,
): Promise<AppliedDecision> {
  if (result.status === 'decided') return result;
  const { record } = result;
  if (record && isAwaitingApproval(record) && isConnected(record.state))
    throw await connectedNotOpenError(record, table);
  const { personDecision: last, approvals } = pickRecordedDecisions(record);
  const personDecision = [last, ...(approvals?.decisions ?? [])].find(
    (each) =>
      firstRequestedAt !== undefined &&
      each?.by === by &&
      each.decision === decision &&
      each.at >= firstRequestedAt,
  );
  if (record && personDecision) return { personDecision, record };
  throw notOpenError(endpointId, result);
}

/** Approve and deny are ambiguous for a connected endpoint; the error names the commands that extend, allow and revoke it. */
async function connectedNotOpenError(record: ConnectionRecord, table: Table): Promise<ApiError> {
  const { service, entries } = await loadPolicyInputs(record, table);
  const commands = openCommands({ record, service, entries, mode: 'enforce' }).map((command) =>
    writePlain(command, (time) => time),
  );
  return new ApiError(
    409,
    'NotOpen',
    `${record.endpointId} is not open: EC2 shows it \`${record.state}\`, and only requests are approved or denied. ${commands.join('; ')}`,
    { details: { state: record.state } },
  );
}

function decisionView({ personDecision, record }: AppliedDecision) {
  const { endpointId, state, verdict, approvals } = record;
  const count = { approvals: approvals?.decisions.length ?? 1, quorum: approvals?.quorum ?? 1 };
  return {
    endpointId,
    ...personDecision,
    state,
    verdict: verdict?.outcome,
    ...(personDecision.decision === 'approve' && count),
  };
}

/** Warns that in mode `observe` the decision does not change EC2. */
async function warnDecisionNotApplied({ record }: AppliedDecision, api: ApiDeps): Promise<string[]> {
  if (record.pendingEffect === undefined || (await api.mode()) === 'enforce') return [];
  return ["linkgate's mode is observe: it records the decision and does not change EC2"];
}
