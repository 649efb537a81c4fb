import * as v from 'valibot';
import { allServicesScope } from '../allowlist/entry.ts';
import { EndpointId, ServiceId } from '../privatelink/connection.ts';
import { findServiceByName, serviceNames } from '../services/find-service.ts';
import { listRegisteredServices } from '../services/registered-services.ts';
import { readService, type Service, serviceKey } from '../services/service.ts';
import { parseEach, rethrow } from '../storage/entity.ts';
import { ApiError } from './api-error.ts';
import type { ApiDeps } from './env.ts';
import { validateInput } from './input.ts';
import type { ApiRequest } from './request.ts';

/** Finds a service by its id or by its own name. */
export async function findService(idOrName: string, api: ApiDeps): Promise<Service | undefined> {
  return findReadableService(idOrName, await listRegisteredServices(api), api);
}

/** Throws for an unreadable service, so that the caller does not mistake it for a missing one. */
async function findReadableService(idOrName: string, services: readonly Service[], { table }: ApiDeps) {
  const service = findServiceByName(idOrName, services);
  if (!service) parseEach(await table.get([serviceKey(idOrName)]), readService, rethrow);
  return service;
}

/** @throws ApiError that names the registered services. */
export async function requireService(idOrName: string, api: ApiDeps): Promise<Service> {
  const services = await listRegisteredServices(api);
  const service = await findReadableService(idOrName, services, api);
  if (service) return service;
  const registeredNames = [...serviceNames(services).values()].join(', ') || 'none yet';
  throw new ApiError(
    404,
    'UnknownService',
    `no service \`${idOrName}\` is registered (registered: ${registeredNames})`,
  );
}

export async function requireScope(service: string, api: ApiDeps): Promise<string> {
  return service === allServicesScope ? allServicesScope : (await requireService(service, api)).serviceId;
}

/** Resolves the scope of an entry. Entries stay after a deregistration, so the id of a deregistered service is valid. */
export async function resolveEntryScope(service: string, api: ApiDeps): Promise<string> {
  return v.is(ServiceId, service) ? service : requireScope(service, api);
}

/** @throws ApiError */
export function requireEndpointId(request: ApiRequest): string {
  return validateInput(EndpointId, request.parameter('endpointId'), 'the endpoint id');
}

export function unknownGroupError(name: string): ApiError {
  return new ApiError(
    404,
    'UnknownGroup',
    `there is no approver group \`${name}\`; see \`linkgate approvers list\``,
  );
}

export function unknownEndpointError(endpointId: string): ApiError {
  return new ApiError(
    404,
    'UnknownEndpoint',
    `neither EC2 nor linkgate knows a connection of \`${endpointId}\` to a registered service; see \`linkgate connections\``,
  );
}
