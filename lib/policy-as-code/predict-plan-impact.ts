import * as v from 'valibot';
import type { AccountRegion } from '../locations/account-region.ts';
import { ConnectionState } from '../privatelink/connection.ts';
import { listRegisteredServices, uniqueLocations } from '../services/registered-services.ts';
import {
  decodeCursor,
  encodeCursor,
  encodePageToken,
  LocationCursor,
  selectLocation,
} from '../storage/cursor.ts';
import { overlayChanges } from './apply-change.ts';
import { type Plan, readPlanChanges } from './plan.ts';
import {
  ImpactEffect,
  type PredictedImpact,
  type PredictImpactDeps,
  predictImpact,
} from './predict-impact.ts';

/** The impact of a plan on one connection. */
export const Impact = v.object({
  /** `stays`: without the plan linkgate would disconnect it or request approval. */
  effect: ImpactEffect,
  endpointId: v.string(),
  /** The service's own name. */
  service: v.string(),
  serviceId: v.string(),
  ownerAccountId: v.string(),
  state: ConnectionState,
  reason: v.string(),
  /** ISO 8601: the time of a later disconnect. */
  at: v.exactOptional(v.string()),
});
export type Impact = v.InferOutput<typeof Impact>;

/** The position in a prediction, also within a page of EC2 if the time is up. */
const ImpactCursor = v.object({
  ...LocationCursor.entries,
  from: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
});

/** EC2 accepts at most 200 values in a filter. For more services linkgate omits the filter. */
const maxServicesInFilter = 200;

interface PredictPlanImpactDeps extends PredictImpactDeps {
  readonly hub: AccountRegion;
}

/** Predicts the impact of a plan on one page of connections in EC2. */
export async function predictPlanImpact(
  plan: Plan,
  token: string | undefined,
  by: string,
  deps: PredictPlanImpactDeps,
): Promise<{ effects: Impact[]; looked: number; nextToken?: string }> {
  const list = `impact ${plan.planId}`;
  const position = decodeCursor(list, token, ImpactCursor, { location: 0, from: 0 });
  const changes = await readPlanChanges(plan, deps.table);
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
  const overlay = overlayChanges(changes, { by, now: deps.now() }, deps.hub);
  const { impacts, looked } = await predictImpact(connections, overlay, deps, { isComparison: true });
  const nextToken =
    looked < connections.length
      ? encodePageToken(list, { ...position, from: position.from + looked })
      : encodeCursor(list, position, page.nextToken, locations.length);
  const effects = impacts.filter(isDifferent).map(planImpact);
  return { effects, looked, ...(nextToken !== undefined && { nextToken }) };
}

function isDifferent({ before, after }: PredictedImpact): boolean {
  return before?.effect !== after.effect || before.at !== after.at;
}

function planImpact({
  connection,
  service,
  after: { record: _record, ...outcome },
}: PredictedImpact): Impact {
  const { endpointId, serviceId, ownerAccountId, state } = connection;
  return { ...outcome, endpointId, service: service?.name ?? serviceId, serviceId, ownerAccountId, state };
}
