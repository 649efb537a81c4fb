import { heardIn } from '../../approval/approval.ts';
import { decideByPerson, type PersonsDecision, type Word } from '../../approval/decide-by-person.ts';
import { explain } from '../../connection/explain.ts';
import { listConnections } from '../../connection/list-connections.ts';
import { placesIn, registeredServices } from '../../service/registered-services.ts';
import { closedBy, notOpen } from '../answers.ts';
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
    const decided = decidedIn(result, endpointId, word, context.get('firstAskedAt'));
    return context.json({ decision: viewOfDecision(decided), warnings: await warningsAbout(decided, api) });
  });
}

type Decided = Omit<Extract<PersonsDecision, { status: 'decided' }>, 'status'>;

/**
 * What was decided now, or by a run of this very request that died before it could answer.
 * @throws ApiError
 */
function decidedIn(
  result: Exclude<PersonsDecision, { status: 'unknown' }>,
  endpointId: string,
  { by, decision }: Word,
  firstAskedAt: string | undefined,
): Decided {
  if (result.status === 'decided') return result;
  const { record } = result;
  const { approval: last, approvals } = heardIn(record);
  const approval = [last, ...(approvals?.words ?? [])].find(
    (word) =>
      firstAskedAt !== undefined && word?.by === by && word.decision === decision && word.at >= firstAskedAt,
  );
  if (record && approval) return { approval, record };
  throw notOpen(endpointId, closedBy(result));
}

function viewOfDecision({ approval, record }: Decided) {
  const { endpointId, state, verdict, revocation, approvals } = record;
  const count = { approvals: approvals?.words.length ?? 1, quorum: approvals?.quorum ?? 1 };
  return {
    endpointId,
    ...approval,
    state,
    verdict: verdict?.outcome,
    ...(revocation && { cutAt: revocation.cutAt }),
    ...(approval.decision === 'approve' && count),
  };
}

/** What a person's word does not do now. */
async function warningsAbout({ record }: Decided, api: Api): Promise<string[]> {
  if (record.effect === undefined || (await api.mode()) === 'act') return [];
  return ["linkgate's mode is observe: the decision is recorded, and EC2 is left as it is"];
}
