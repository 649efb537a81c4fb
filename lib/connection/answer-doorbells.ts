import { chunks } from '../chunks.ts';
import { eachOnItsOwn } from '../invocation.ts';
import { type Place, placeName, placeNamed } from '../place.ts';
import { registeredServices } from '../service/registered-services.ts';
import { readEach } from '../table/item.ts';
import type { Connection } from './connection.ts';
import type { Doorbell } from './connection-notification.ts';
import { type ConnectionFilter, type Connections, everyOne } from './connections.ts';
import { dueIn as duePartition, type Pointer, readPointer } from './due.ts';
import { nothingObserved, type Observation, type Observing, observe, sumOf } from './observe.ts';

export interface Answering extends Observing {
  readonly connectionsIn: (place: Place) => Connections;
}

/** How many values EC2 takes in one filter. */
const valuesPerFilter = 200;

/** What became of doorbells. */
interface Answered {
  readonly observation: Observation;
  /** The names of places that could not be looked at: their doorbells have to ring again. */
  readonly unanswered: ReadonlySet<string>;
}

/** Looks in EC2 at what doorbells are about: one look a place, however many rang. One place that fails keeps no other waiting. */
export async function answerDoorbells(doorbells: readonly Doorbell[], deps: Answering): Promise<Answered> {
  const byPlace = [...Map.groupBy(doorbells, ({ place }) => placeName(place))];
  const results = await eachOnItsOwn(byPlace, ([name, theirs]) => answer(placeNamed(name), theirs, deps));
  const unanswered = new Set<string>();
  let observation = nothingObserved();
  for (const result of results)
    if ('error' in result) {
      unanswered.add(result.input[0]);
      deps.report(result.error);
    } else observation = sumOf(observation, result.output);
  return { observation, unanswered };
}

async function answer(place: Place, doorbells: readonly Doorbell[], deps: Answering): Promise<Observation> {
  const connections = deps.connectionsIn(place);
  const seen = new Map<string, Connection>();
  for (const filter of await filtersFor(place, doorbells, deps))
    for (const connection of await everyOne(connections, filter)) seen.set(connection.endpointId, connection);
  return observe([...seen.values()], deps);
}

/**
 * Endpoints by their ids; else what is pending at the services named, or at those that the topic stands for, and
 * what EC2 was asked for: the doorbell may be the answer to that. The services of the endpoints are named too, where all are
 * known: where EC2 refuses to filter by endpoint, they bound what is listed.
 */
async function filtersFor(
  place: Place,
  doorbells: readonly Doorbell[],
  deps: Answering,
): Promise<ConnectionFilter[]> {
  const named = doorbells.filter((doorbell) => doorbell.endpointIds.length > 0);
  const vague = doorbells.filter((doorbell) => doorbell.endpointIds.length === 0);
  const due = vague.length > 0 ? await dueIn(place, deps) : [];
  const endpointIds = distinct([
    ...named.flatMap((each) => each.endpointIds),
    ...due.map((each) => each.endpointId),
  ]);
  const serviceIds = distinct([
    ...named.flatMap((each) => each.serviceIds),
    ...due.map((each) => each.serviceId),
  ]);
  const areKnown = named.every((each) => each.serviceIds.length > 0) && serviceIds.length <= valuesPerFilter;
  return [
    ...chunks(endpointIds, valuesPerFilter).map((ids) => ({
      endpointIds: ids,
      ...(areKnown && { serviceIds }),
    })),
    ...(vague.length > 0 ? [await pendingAt(vague, deps)] : []),
  ];
}

function distinct(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}

async function pendingAt(vague: readonly Doorbell[], deps: Answering): Promise<ConnectionFilter> {
  const state = 'pendingAcceptance';
  const serviceIds = new Set<string>();
  for (const doorbell of vague) {
    const about = doorbell.serviceIds.length > 0 ? doorbell.serviceIds : await servicesOf(doorbell, deps);
    if (about.length === 0) return { state };
    for (const serviceId of about) serviceIds.add(serviceId);
  }
  return serviceIds.size > valuesPerFilter ? { state } : { state, serviceIds: [...serviceIds] };
}

async function dueIn(place: Place, { table, report }: Answering): Promise<Pointer[]> {
  const due: Pointer[] = [];
  for await (const page of table.query(duePartition(place))) due.push(...readEach(page, readPointer, report));
  return due;
}

async function servicesOf({ topicArn }: Doorbell, deps: Answering): Promise<string[]> {
  if (topicArn === undefined) return [];
  const services = await registeredServices(deps);
  return services.filter((service) => service.topicArn === topicArn).map(({ serviceId }) => serviceId);
}
