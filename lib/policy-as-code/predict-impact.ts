import * as v from 'valibot';
import { listRegisteredServices, uniqueLocations } from '../services/registered-services.ts';
import {
  decodeCursor,
  encodeCursor,
  encodePageToken,
  LocationCursor,
  selectLocation,
} from '../storage/cursor.ts';
import { isApplicable } from './change.ts';
import { computeImpact, type Impact, type ImpactDeps } from './impact.ts';
import { type Plan, readPlanChanges } from './plan.ts';

/** The position in a prediction, also within a page of EC2 if the time is up. */
const ImpactCursor = v.object({
  ...LocationCursor.entries,
  from: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
});

/** EC2 accepts at most 200 values in a filter. For more services linkgate omits the filter. */
const maxServicesInFilter = 200;

/** Computes the impact of a plan on one page of connections in EC2. */
export async function predictImpact(
  plan: Plan,
  token: string | undefined,
  by: string,
  deps: ImpactDeps,
): Promise<{ effects: Impact[]; looked: number; nextToken?: string }> {
  const list = `impact ${plan.planId}`;
  const position = token === undefined ? { location: 0, from: 0 } : decodeCursor(list, token, ImpactCursor);
  const changes = (await readPlanChanges(plan, deps.table)).filter(isApplicable);
  const added = changes.flatMap((change) =>
    change.kind === 'service' && change.action === 'add'
      ? [{ serviceId: change.serviceId, location: deps.hub }]
      : [],
  );
  const services = [...(await listRegisteredServices(deps)), ...added];
  const locations = uniqueLocations(services);
  const location = selectLocation(locations, position);
  if (!location || !deps.connectionsClient) return { effects: [], looked: 0 };

  const serviceIds = services.map(({ serviceId }) => serviceId);
  const filter = serviceIds.length <= maxServicesInFilter ? { serviceIds } : {};
  const page = await deps.connectionsClient(location).page(filter, position.nextToken);
  const connections = page.connections.slice(position.from);
  const { effects, looked } = await computeImpact(connections, changes, { by, now: deps.now() }, deps);
  const nextToken =
    looked < connections.length
      ? encodePageToken(list, { ...position, from: position.from + looked })
      : encodeCursor(list, position, page.nextToken, locations.length);
  return { effects, looked, ...(nextToken !== undefined && { nextToken }) };
}
