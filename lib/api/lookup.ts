import type { Context } from 'hono';
import * as v from 'valibot';
import { allServicesScope } from '../allowlist/entry.ts';
import { EndpointId, ServiceId } from '../privatelink/connection.ts';
import { findServiceByName, serviceNames } from '../services/find-service.ts';
import { registeredServices } from '../services/registered-services.ts';
import { readService, type Service, serviceKey } from '../services/service.ts';
import { parseEach, raise } from '../storage/entity.ts';
import { ApiError } from './api-error.ts';
import type { Api } from './env.ts';
import { validated } from './input.ts';
import { pathParameter } from './route.ts';

/** A service by its id or by its own name. */
export async function findService(idOrName: string, api: Api): Promise<Service | undefined> {
  return serviceOr(idOrName, await registeredServices(api), api);
}

/** One that cannot be read is told of, and is not taken for one that is not there. */
async function serviceOr(idOrName: string, services: readonly Service[], { table }: Api) {
  const service = findServiceByName(idOrName, services);
  if (!service) parseEach(await table.get([serviceKey(idOrName)]), readService, raise);
  return service;
}

/** @throws ApiError that names those that are registered. */
export async function requireService(idOrName: string, api: Api): Promise<Service> {
  const services = await registeredServices(api);
  const service = await serviceOr(idOrName, services, api);
  if (service) return service;
  const known = [...serviceNames(services).values()].join(', ') || 'none yet';
  throw new ApiError(
    404,
    'UnknownService',
    `no service \`${idOrName}\` is registered (registered: ${known})`,
  );
}

export async function requireScope(service: string, api: Api): Promise<string> {
  return service === allServicesScope ? allServicesScope : (await requireService(service, api)).serviceId;
}

/** Entries outlive their service: of one that is no longer registered they are named by its id. */
export async function listNamedEntries(service: string, api: Api): Promise<string> {
  return v.is(ServiceId, service) ? service : requireScope(service, api);
}

/** @throws ApiError */
export function requireEndpointId(context: Context): string {
  return validated(EndpointId, pathParameter(context, 'endpointId'), 'the endpoint id');
}

export function unknownEndpoint(endpointId: string): ApiError {
  return new ApiError(
    404,
    'UnknownEndpoint',
    `neither EC2 nor linkgate knows a connection of \`${endpointId}\` to a registered service; see \`linkgate connections\``,
  );
}
