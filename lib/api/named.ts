import type { Context } from 'hono';
import * as v from 'valibot';
import { everyService } from '../allowlist/entry.ts';
import { EndpointId, ServiceId } from '../connection/connection.ts';
import { registeredServices } from '../service/registered-services.ts';
import { readService, type Service, serviceKey } from '../service/service.ts';
import { namesOfServices, serviceCalled } from '../service/service-named.ts';
import { raise, readEach } from '../table/item.ts';
import { ApiError } from './api-error.ts';
import type { Api } from './env.ts';
import { valid } from './input.ts';
import { pathParameter } from './route.ts';

/** A service by its id or by its own name. */
export async function findService(idOrName: string, api: Api): Promise<Service | undefined> {
  return serviceOr(idOrName, await registeredServices(api), api);
}

/** One that cannot be read is told of, and is not taken for one that is not there. */
async function serviceOr(idOrName: string, services: readonly Service[], { table }: Api) {
  const service = serviceCalled(idOrName, services);
  if (!service) readEach(await table.get([serviceKey(idOrName)]), readService, raise);
  return service;
}

/** @throws ApiError that names those that are registered. */
export async function serviceNamed(idOrName: string, api: Api): Promise<Service> {
  const services = await registeredServices(api);
  const service = await serviceOr(idOrName, services, api);
  if (service) return service;
  const known = [...namesOfServices(services).values()].join(', ') || 'none yet';
  throw new ApiError(
    404,
    'UnknownService',
    `no service \`${idOrName}\` is registered (registered: ${known})`,
  );
}

export async function scopeNamed(service: string, api: Api): Promise<string> {
  return service === everyService ? everyService : (await serviceNamed(service, api)).serviceId;
}

/** Entries outlive their service: of one that is no longer registered they are named by its id. */
export async function entriesNamed(service: string, api: Api): Promise<string> {
  return v.is(ServiceId, service) ? service : scopeNamed(service, api);
}

/** @throws ApiError */
export function endpointNamed(context: Context): string {
  return valid(EndpointId, pathParameter(context, 'endpointId'), 'the endpoint id');
}

export function unknownEndpoint(endpointId: string): ApiError {
  return new ApiError(
    404,
    'UnknownEndpoint',
    `neither EC2 nor linkgate knows a connection of \`${endpointId}\` to a registered service; see \`linkgate connections\``,
  );
}
