import type { Context } from 'hono';
import { decideByPerson } from '../../approval/decide-by-person.ts';
import { explain } from '../../connection/explain.ts';
import { listConnections } from '../../connection/list-connections.ts';
import { placesIn, registeredServices } from '../../service/registered-services.ts';
import { closedBy, notOpen } from '../answers.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp } from '../env.ts';
import { bodyOf, ConnectionsQuery, DecisionInput, EndpointId, valid } from '../input.ts';
import { serviceNamed } from '../named.ts';
import { withNames } from '../views.ts';

export function connectionsRoutes(app: ApiApp): void {
  app.get('/connections', async (context) => {
    const api = context.get('api');
    const query = valid(ConnectionsQuery, context.req.query(), 'the question');
    const services =
      query.service === undefined
        ? await registeredServices(api.table)
        : [await serviceNamed(query.service, api)];
    const isContradicted =
      query.waiting === 'true' && (query.state ?? 'pendingAcceptance') !== 'pendingAcceptance';
    if (isContradicted)
      throw new ApiError(
        400,
        'InvalidRequest',
        'what waits for a person is pendingAcceptance: ask for either, not for both',
      );
    const listing = {
      places: placesIn(services),
      serviceIds: services.map(({ serviceId }) => serviceId),
      state: query.state,
      waiting: query.waiting === 'true',
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
    const { decision, reason } = valid(DecisionInput, await bodyOf(context), 'the decision');
    const word = { decision, by: api.caller, ...(reason !== undefined && { reason }) };
    const result = await decideByPerson(endpointId, word, api);
    if (result.status === 'unknown') throw unknownEndpoint(endpointId);
    if (result.status === 'not-open') throw notOpen(endpointId, closedBy(result));
    const { approval, record } = result;
    return context.json({ decision: { endpointId, ...approval, verdict: record.verdict?.outcome } });
  });
}

function endpointNamed(context: Context): string {
  return valid(EndpointId, context.req.param('endpointId'), 'the endpoint id');
}

function unknownEndpoint(endpointId: string): ApiError {
  return new ApiError(
    404,
    'UnknownEndpoint',
    `neither EC2 nor linkgate knows a connection of \`${endpointId}\` to a registered service; see \`linkgate connections\``,
  );
}
