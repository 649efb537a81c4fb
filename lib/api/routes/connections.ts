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
import { policyInputKeys, readPolicyInputs } from '../../policy/policy-inputs.ts';
import { isConnected } from '../../privatelink/connection.ts';
import { listRegisteredServices, uniqueLocations } from '../../services/registered-services.ts';
import { indexByKey } from '../../storage/entity.ts';
import type { Table } from '../../storage/table.ts';
import { writePlain } from '../../values/styled-text.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp, ApiDeps } from '../env.ts';
import { ConnectionsQuery, DecisionInput, readBody, validateInput } from '../input.ts';
import { requireEndpointId, requireService, unknownEndpointError } from '../lookup.ts';
import { notOpenError } from '../responses.ts';
import { withServiceNames } from '../views.ts';

export function connectionsRoutes(app: ApiApp): void {
  app.get('/connections', async (context) => {
    const api = context.get('api');
    const query = validateInput(ConnectionsQuery, context.req.query(), 'the query');
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
    return context.json({ ...page, connections });
  });
  app.get('/connections/:endpointId', async (context) => {
    const endpointId = requireEndpointId(context);
    const api = context.get('api');
    const explanation = await explainConnection(endpointId, api);
    if (!explanation) throw unknownEndpointError(endpointId);
    const { ownerAccountId } = explanation.connection;
    const customer = (await findCustomersByAccount([ownerAccountId], api)).get(ownerAccountId)?.name;
    return context.json({
      ...explanation,
      connection: { ...explanation.connection, ...(customer !== undefined && { customer }) },
    });
  });
  app.post('/connections/:endpointId/decision', async (context) => {
    const api = context.get('api');
    const endpointId = requireEndpointId(context);
    const decision = {
      ...validateInput(DecisionInput, await readBody(context), 'the decision'),
      by: api.caller,
    };
    const result = await submitDecision(endpointId, decision, api);
    if (result.status === 'unknown') throw unknownEndpointError(endpointId);
    const recordedDecision = await requireDecision(
      result,
      endpointId,
      decision,
      context.get('firstRequestedAt'),
      api.table,
    );
    return context.json({
      decision: decisionView(recordedDecision),
      warnings: await warnDecisionNotApplied(recordedDecision, api),
    });
  });
}

type AppliedDecision = Omit<Extract<SubmitResult, { status: 'decided' }>, 'status'>;

/**
 * Finds the decision of this run, or of an earlier run of this request that crashed before its response.
 * @throws ApiError
 */
async function requireDecision(
  result: Exclude<SubmitResult, { status: 'unknown' }>,
  endpointId: string,
  { by, decision }: SubmittedDecision,
  firstRequestedAt: string | undefined,
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
  const { service, entries } = readPolicyInputs(record, indexByKey(await table.get(policyInputKeys(record))));
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
