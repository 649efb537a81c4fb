import * as v from 'valibot';
import { PlacePosition, pageToken, placeAt, positionIn, tokenAfter } from '../page-token.ts';
import { placesIn, registeredServices } from '../service/registered-services.ts';
import { isMade } from './change.ts';
import { type Effect, effectsOn, type Weighing } from './impact.ts';
import { changesOf, type Plan } from './plan.ts';

/** Where a prediction goes on: also within a page of EC2's, where the time did not suffice for all of it. */
const Position = v.object({
  ...PlacePosition.entries,
  from: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
});

/** EC2 takes at most 200 values in a filter; where there are more services, they are told apart here. */
const valuesPerFilter = 200;

/** What a plan would do to the connections of one page of EC2's. */
export async function predict(
  plan: Plan,
  token: string | undefined,
  by: string,
  deps: Weighing,
): Promise<{ effects: Effect[]; looked: number; nextToken?: string }> {
  const list = `impact ${plan.planId}`;
  const position = token === undefined ? { place: 0, from: 0 } : positionIn(list, token, Position);
  const changes = (await changesOf(plan, deps.table)).filter(isMade);
  const added = changes.flatMap((change) =>
    change.kind === 'service' && change.action === 'add'
      ? [{ serviceId: change.serviceId, place: deps.hub }]
      : [],
  );
  const services = [...(await registeredServices(deps)), ...added];
  const places = placesIn(services);
  const place = placeAt(places, position);
  if (!place || !deps.connectionsIn) return { effects: [], looked: 0 };

  const serviceIds = services.map(({ serviceId }) => serviceId);
  const filter = serviceIds.length <= valuesPerFilter ? { serviceIds } : {};
  const page = await deps.connectionsIn(place).page(filter, position.nextToken);
  const connections = page.connections.slice(position.from);
  const { effects, looked } = await effectsOn(connections, changes, { by, now: deps.now() }, deps);
  const nextToken =
    looked < connections.length
      ? pageToken(list, { ...position, from: position.from + looked })
      : tokenAfter(list, position, page.nextToken, places.length);
  return { effects, looked, ...(nextToken !== undefined && { nextToken }) };
}
