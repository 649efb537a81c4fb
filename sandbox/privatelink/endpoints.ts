import { AwsError } from '../aws/aws-service.ts';
import {
  advanceTransitions,
  finalState,
  planTransition,
  startTransition,
  transitionTo,
} from './connection-lifecycle.ts';
import { isDiscoverable, ownService, serviceType } from './endpoint-services.ts';
import {
  type Endpoint,
  type EndpointService,
  type EndpointState,
  isOwnedBy,
  type PrivateLinkContext,
  type Refusal,
  type ResourceLocation,
  toAwsError,
} from './model.ts';
import type { Requester } from './principal.ts';

export type EndpointSpec = Pick<
  Endpoint,
  'serviceName' | 'serviceRegion' | 'vpcId' | 'ipAddressType' | 'policyDocument' | 'privateDnsEnabled'
> & {
  /** The type that the request names. */
  readonly type?: string | undefined;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
};

type EndpointChange = Partial<
  Pick<EndpointSpec, 'subnetIds' | 'securityGroupIds' | 'policyDocument' | 'privateDnsEnabled'>
>;

interface ProviderVerb {
  readonly to: EndpointState;
  readonly from: readonly string[];
  /** The state after an earlier call of the same operation. */
  readonly doneStates: readonly string[];
}

const accept: ProviderVerb = {
  to: 'pending',
  from: ['pendingAcceptance'],
  doneStates: ['pending', 'available'],
};
const reject: ProviderVerb = {
  to: 'rejected',
  from: ['pendingAcceptance', 'pending', 'available'],
  doneStates: ['rejected'],
};

/** The calls of consumers on endpoints, and of providers on endpoint connections. */
export function endpoints(context: PrivateLinkContext) {
  const { state } = context;

  function ownEndpoint(location: ResourceLocation, endpointId: string): Endpoint {
    const endpoint = state.endpoints[endpointId];
    if (endpoint === undefined || !isOwnedBy(location, endpoint)) throw toAwsError(notFound(endpointId));
    return endpoint;
  }

  /** Each endpoint succeeds or fails on its own. */
  function answer(
    verb: ProviderVerb,
    location: ResourceLocation,
    serviceId: string,
    ids: readonly string[],
    now: number,
  ): Refusal[] {
    advanceTransitions(context, now);
    const { repeatedAccept, maxIdsPerCall, pendingAfterMs } = context.assumptions;
    ownService(context, location, serviceId);
    if (ids.length > maxIdsPerCall)
      throw new AwsError(
        'InvalidParameterValue',
        `A request may name at most ${maxIdsPerCall} VPC endpoints`,
      );

    return ids.flatMap((id) => {
      const endpoint = state.endpoints[id];
      if (endpoint?.serviceId !== serviceId) return notFound(id);
      const current = finalState(endpoint);
      if (verb.doneStates.includes(current) && repeatedAccept === 'ok') return [];
      if (!verb.from.includes(current)) return invalidState(endpoint);
      planTransition(context, endpoint, verb.to, now + pendingAfterMs);
      return [];
    });
  }

  return {
    endpoint: ownEndpoint,
    endpoints: (location: ResourceLocation) =>
      Object.values(state.endpoints).filter((endpoint) => isOwnedBy(location, endpoint)),

    /** Lists the connections to a provider's services in a Region, each with its service. */
    connections: (
      location: ResourceLocation,
    ): { readonly serial: number; readonly endpoint: Endpoint; readonly service: EndpointService }[] =>
      Object.values(state.endpoints).flatMap((endpoint) => {
        const service = state.services[endpoint.serviceId];
        return service !== undefined && isOwnedBy(location, service)
          ? { serial: endpoint.serial, endpoint, service }
          : [];
      }),

    accept: (location: ResourceLocation, serviceId: string, endpointIds: readonly string[], now: number) =>
      answer(accept, location, serviceId, endpointIds, now),
    reject: (location: ResourceLocation, serviceId: string, endpointIds: readonly string[], now: number) =>
      answer(reject, location, serviceId, endpointIds, now),

    createEndpoint(consumer: ResourceLocation & Requester, spec: EndpointSpec, now: number): Endpoint {
      advanceTransitions(context, now);
      const service = state.services[spec.serviceName.slice(spec.serviceName.lastIndexOf('.') + 1)];
      if (
        service?.name !== spec.serviceName ||
        service.region !== spec.serviceRegion ||
        !isDiscoverable(service, consumer, consumer.region)
      )
        throw new AwsError(
          'InvalidServiceName',
          `The Vpc Endpoint Service '${spec.serviceName}' does not exist`,
        );
      const { type = 'Interface', ...specified } = spec;
      const offered = serviceType(service);
      if (type !== offered)
        throw new AwsError(
          'InvalidParameter',
          `Endpoint type (${type}) does not match available service types ([${offered}]).`,
        );
      if (spec.privateDnsEnabled) requirePrivateDns(service);

      const digits = context.id();
      const id = `vpce-${digits}`;
      const endpoint: Endpoint = {
        ...specified,
        ...(offered !== 'Interface' && { type: offered }),
        subnetIds: [...spec.subnetIds],
        securityGroupIds: [...spec.securityGroupIds],
        accountId: consumer.accountId,
        region: consumer.region,
        id,
        serial: state.serial++,
        connectionId: `vpce-con-${digits}`,
        serviceId: service.id,
        createdAt: now,
        dnsLabel: context.id().slice(-8),
        state: service.acceptanceRequired ? 'pendingAcceptance' : 'pending',
      };
      state.endpoints[id] = endpoint;
      startTransition(context, endpoint);
      return endpoint;
    },

    modifyEndpoint(
      location: ResourceLocation,
      endpointId: string,
      change: EndpointChange,
      now: number,
    ): void {
      advanceTransitions(context, now);
      const endpoint = ownEndpoint(location, endpointId);
      if (!accept.from.includes(endpoint.state) && !accept.doneStates.includes(endpoint.state))
        throw new AwsError('IncorrectState', invalidState(endpoint).message);
      const service = state.services[endpoint.serviceId];
      if (change.privateDnsEnabled && service !== undefined) requirePrivateDns(service);

      Object.assign(endpoint, change);
      // This does not stop a rejection in progress.
      if (finalState(endpoint) === 'available') transitionTo(context, endpoint, 'pending', now);
    },

    deleteEndpoints(location: ResourceLocation, endpointIds: readonly string[], now: number): Refusal[] {
      advanceTransitions(context, now);
      return endpointIds.flatMap((id) => {
        const endpoint = state.endpoints[id];
        if (endpoint === undefined || !isOwnedBy(location, endpoint) || isDeletedOrDeleting(endpoint))
          return notFound(id);
        transitionTo(context, endpoint, 'deleting', now);
        return [];
      });
    },
  };
}

function isDeletedOrDeleting({ state }: Endpoint): boolean {
  return state === 'deleting' || state === 'deleted';
}

function requirePrivateDns(service: EndpointService): void {
  if (service.privateDns?.state !== 'verified')
    throw new AwsError(
      'InvalidParameter',
      `Private DNS can't be enabled because the service ${service.name} does not provide a private DNS name.`,
    );
}

function notFound(endpointId: string): Refusal {
  return {
    resourceId: endpointId,
    code: 'InvalidVpcEndpointId.NotFound',
    message: `The VpcEndpoint Id '${endpointId}' does not exist`,
  };
}

function invalidState({ id, state }: Endpoint): Refusal {
  return {
    resourceId: id,
    code: 'InvalidState',
    message: `The VpcEndpoint '${id}' is in the state '${state}', which does not allow this`,
  };
}
