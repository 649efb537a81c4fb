import { heardIn } from '../../approval/approval.ts';
import { connectedCommands } from '../../approval/connected.ts';
import { decideByPerson, type PersonsDecision, type Word } from '../../approval/decide-by-person.ts';
import { isLive } from '../../connection/connection.ts';
import { type ConnectionRecord, isOpen } from '../../connection/connection-record.ts';
import { explain } from '../../connection/explain.ts';
import { listConnections } from '../../connection/list-connections.ts';
import { consult, policyKeys } from '../../policy/consult.ts';
import { placesIn, registeredServices } from '../../service/registered-services.ts';
import { byKey } from '../../table/item.ts';
import type { Table } from '../../table/table.ts';
import { closedBy, notOpen } from '../answers.ts';
import { ApiError } from '../api-error.ts';
import type { Api, ApiApp } from '../env.ts';
import { bodyOf, ConnectionsQuery, DecisionInput, valid } from '../input.ts';
import { endpointNamed, serviceNamed, unknownEndpoint } from '../named.ts';
import { withNames } from '../views.ts';

export function connectionsRoutes(app: ApiApp): void {
  app.get('/connections', async (context) => {
    const api = context.get('api');
    const query = valid(ConnectionsQuery, context.req.query(), 'the question');
    const services =
      query.service === undefined ? await registeredServices(api) : [await serviceNamed(query.service, api)];
    const listing = {
      places: placesIn(services),
      serviceIds: services.map(({ serviceId }) => serviceId),
      state: query.state,
      ownerAccountId: query.account,
      waiting: query.waiting === 'true',
      differs: query.differs === 'true',
    };
    const page = await listConnections(listing, query.nextToken, api);
    return context.json({ ...page, connections: withNames(page.connections, services) });
  });
  app.get('/connections/:endpointId', async (context) => {
    const endpointId = endpointNamed(context);
    const explanation = await explain(endpointId, context.get('api'));
    if (!explanation) throw unknownEndpoint(endpointId);
    return context.json(explanation);
  });
  app.post('/connections/:endpointId/decision', async (context) => {
    const api = context.get('api');
    const endpointId = endpointNamed(context);
    const word = { ...valid(DecisionInput, await bodyOf(context), 'the decision'), by: api.caller };
    const result = await decideByPerson(endpointId, word, api);
    if (result.status === 'unknown') throw unknownEndpoint(endpointId);
    const decided = await decidedIn(result, endpointId, word, context.get('firstAskedAt'), api.table);
    return context.json({ decision: viewOfDecision(decided), warnings: await warningsAbout(decided, api) });
  });
}

type Decided = Omit<Extract<PersonsDecision, { status: 'decided' }>, 'status'>;

/**
 * What was decided now, or by a run of this very request that died before it could answer.
 * @throws ApiError
 */
async function decidedIn(
  result: Exclude<PersonsDecision, { status: 'unknown' }>,
  endpointId: string,
  { by, decision }: Word,
  firstAskedAt: string | undefined,
  table: Table,
): Promise<Decided> {
  if (result.status === 'decided') return result;
  const { record } = result;
  if (record && isOpen(record) && isLive(record.state)) throw await connected(record, table);
  const { approval: last, approvals } = heardIn(record);
  const approval = [last, ...(approvals?.words ?? [])].find(
    (word) =>
      firstAskedAt !== undefined && word?.by === by && word.decision === decision && word.at >= firstAskedAt,
  );
  if (record && approval) return { approval, record };
  throw notOpen(endpointId, closedBy(result));
}

/** Approving would mean that it stays, and denying that it goes: a command says that by its name. */
async function connected(record: ConnectionRecord, table: Table): Promise<ApiError> {
  const { service, entries } = consult(record, byKey(await table.get(policyKeys(record))));
  const commands = connectedCommands(record, { service: service?.name ?? record.serviceId, entries });
  return new ApiError(
    409,
    'NotOpen',
    `${record.endpointId} is not open: EC2 shows it \`${record.state}\`, and only requests are approved or denied. ${commands.join('; ')}`,
    { details: { state: record.state } },
  );
}

function viewOfDecision({ approval, record }: Decided) {
  const { endpointId, state, verdict, approvals } = record;
  const count = { approvals: approvals?.words.length ?? 1, quorum: approvals?.quorum ?? 1 };
  return {
    endpointId,
    ...approval,
    state,
    verdict: verdict?.outcome,
    ...(approval.decision === 'approve' && count),
  };
}

/** What a person's word does not do now. */
async function warningsAbout({ record }: Decided, api: Api): Promise<string[]> {
  if (record.effect === undefined || (await api.mode()) === 'act') return [];
  return ["linkgate's mode is observe: the decision is recorded, and EC2 is left as it is"];
}
