import { type Place, placeName } from '../place.ts';
import type { Table } from '../table/table.ts';
import { allServices, readService, type Service } from './service.ts';

export async function registeredServices(table: Table): Promise<Service[]> {
  const services: Service[] = [];
  for await (const page of table.query(allServices)) services.push(...page.map(readService));
  return services;
}

/** The places in which services are registered. */
export async function placesOf(table: Table): Promise<Place[]> {
  return placesIn(await registeredServices(table));
}

/** The different places of services that are read already. */
export function placesIn(services: readonly Pick<Service, 'place'>[]): Place[] {
  return [...new Map(services.map(({ place }) => [placeName(place), place])).values()];
}
