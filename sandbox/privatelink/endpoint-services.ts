import { AwsError } from '../aws/aws-service.ts';
import {
  type Endpoint,
  type EndpointService,
  isOwnedBy,
  type Permission,
  type PrivateDns,
  type PrivateLinkContext,
  type Refusal,
  type ResourceLocation,
  scheduleTransition,
} from './model.ts';
import { isSamePrincipal, principalAllows, principalType, type Requester } from './principal.ts';

export interface ServiceSpec {
  readonly acceptanceRequired: boolean;
  readonly networkLoadBalancerArns: readonly string[];
  readonly gatewayLoadBalancerArns?: readonly string[];
  readonly supportedIpAddressTypes: readonly string[];
  readonly supportedRegions: readonly string[];
  readonly privateDnsName?: string | undefined;
}

type ServiceChange = Partial<
  Pick<ServiceSpec, 'acceptanceRequired' | 'networkLoadBalancerArns' | 'supportedIpAddressTypes'>
> & {
  readonly addRegions?: readonly string[];
  readonly removeRegions?: readonly string[];
  /** `null` removes it. */
  readonly privateDnsName?: string | null | undefined;
};

/** The type of a service and of its endpoints. */
export function serviceType({ gatewayLoadBalancerArns }: EndpointService) {
  return gatewayLoadBalancerArns ? 'GatewayLoadBalancer' : 'Interface';
}

/** Finds a service of the caller; another account's service is not found. */
export function ownService(
  { state }: PrivateLinkContext,
  location: ResourceLocation,
  serviceId: string,
): EndpointService {
  const service = state.services[serviceId];
  if (service === undefined || service.endedAt !== undefined || !isOwnedBy(location, service))
    throw new AwsError(
      'InvalidVpcEndpointServiceId.NotFound',
      `The VpcEndpointService Id '${serviceId}' does not exist`,
    );
  return service;
}

/** The calls of providers on endpoint services. */
export function endpointServices(context: PrivateLinkContext) {
  const { state } = context;

  function privateDns(domain: string): PrivateDns {
    return {
      domain,
      recordName: `_${context.id()}`,
      recordValue: `vpce:${context.id()}`,
      state: 'pendingVerification',
    };
  }

  return {
    service: (location: ResourceLocation, serviceId: string) => ownService(context, location, serviceId),

    /** Lists the services of an account and Region, deleted ones included for a while. */
    services: (location: ResourceLocation) =>
      Object.values(state.services).filter((service) => isOwnedBy(location, service)),

    createService({ accountId, region }: ResourceLocation, spec: ServiceSpec): EndpointService {
      const id = `vpce-svc-${context.id()}`;
      const service: EndpointService = {
        accountId,
        region,
        id,
        serial: state.serial++,
        name: `${region.startsWith('cn-') ? 'cn.' : ''}com.amazonaws.vpce.${region}.${id}`,
        acceptanceRequired: spec.acceptanceRequired,
        networkLoadBalancerArns: [...spec.networkLoadBalancerArns],
        ...(spec.gatewayLoadBalancerArns && { gatewayLoadBalancerArns: [...spec.gatewayLoadBalancerArns] }),
        supportedIpAddressTypes: [...spec.supportedIpAddressTypes],
        supportedRegions: Object.fromEntries(
          [region, ...spec.supportedRegions].map((supported) => [supported, 'Available']),
        ),
        privateDns: spec.privateDnsName === undefined ? undefined : privateDns(spec.privateDnsName),
        permissions: [],
      };
      state.services[id] = service;
      return service;
    },

    modifyService(location: ResourceLocation, serviceId: string, change: ServiceChange): void {
      const service = ownService(context, location, serviceId);
      const closed = change.removeRegions?.find((region) => service.supportedRegions[region] !== 'Available');
      if (closed !== undefined) throw new AwsError('InvalidParameter', `Cannot remove region ${closed}`);

      service.acceptanceRequired = change.acceptanceRequired ?? service.acceptanceRequired;
      service.networkLoadBalancerArns = [
        ...(change.networkLoadBalancerArns ?? service.networkLoadBalancerArns),
      ];
      service.supportedIpAddressTypes = [
        ...(change.supportedIpAddressTypes ?? service.supportedIpAddressTypes),
      ];
      for (const region of change.addRegions ?? []) service.supportedRegions[region] = 'Available';
      for (const region of change.removeRegions ?? []) service.supportedRegions[region] = 'Closed';
      if (change.privateDnsName === null) service.privateDns = undefined;
      else if (change.privateDnsName !== undefined) service.privateDns = privateDns(change.privateDnsName);
    },

    deleteServices(location: ResourceLocation, serviceIds: readonly string[], now: number): Refusal[] {
      const live = new Set(
        Object.values(state.endpoints)
          .filter(isLive)
          .map(({ serviceId }) => serviceId),
      );
      return serviceIds.flatMap((serviceId) => {
        const service = state.services[serviceId];
        if (service === undefined || service.endedAt !== undefined || !isOwnedBy(location, service))
          return {
            resourceId: serviceId,
            code: 'InvalidVpcEndpointService.NotFound',
            message: `The VpcEndpointService Id '${serviceId}' does not exist`,
          };
        if (live.has(serviceId))
          return {
            resourceId: serviceId,
            code: 'ExistingVpcEndpointConnections',
            message: 'Service has existing active VPC Endpoint connections!',
          };
        service.endedAt = now + context.assumptions.deletedListedMs;
        scheduleTransition(context, serviceId, service.endedAt);
        for (const notification of Object.values(state.notifications))
          if (notification.serviceId === serviceId) delete state.notifications[notification.id];
        return [];
      });
    },

    /** Returns the new permissions. */
    modifyPermissions(
      location: ResourceLocation,
      serviceId: string,
      { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
    ): Permission[] {
      const service = ownService(context, location, serviceId);
      checkPrincipals(service, add, remove, context);
      service.permissions = service.permissions.filter(
        ({ principal }) => !remove.some((removed) => isSamePrincipal(removed, principal)),
      );
      const added: Permission[] = [];
      for (const principal of add) {
        if (service.permissions.some((permission) => isSamePrincipal(permission.principal, principal)))
          continue;
        const permission = { id: `vpce-svc-perm-${context.id()}`, serial: state.serial++, principal };
        service.permissions.push(permission);
        added.push(permission);
      }
      return added;
    },

    /** Whether a consumer in a Region can connect: another account's service needs an allowed principal. */
    discoverableServices: (requester: Requester, consumerRegion: string) =>
      Object.values(state.services).filter((service) => isDiscoverable(service, requester, consumerRegion)),
  };
}

/** One invalid principal fails the call. Reports confirm the code `InvalidPrincipal`; the other two are INVENTED. */
function checkPrincipals(
  { permissions }: EndpointService,
  add: readonly string[],
  remove: readonly string[],
  { assumptions }: PrivateLinkContext,
): void {
  const { maxPrincipalsPerCall, organizationPrincipals, absentPrincipal } = assumptions;
  if (add.length + remove.length > maxPrincipalsPerCall)
    throw new AwsError(
      'InvalidParameterValue',
      `A request may name at most ${maxPrincipalsPerCall} principals`,
    );
  const invalid = [...add, ...remove].find((principal) => {
    const type = principalType(principal);
    return type === undefined || (type === 'OrganizationUnit' && organizationPrincipals === 'refused');
  });
  if (invalid !== undefined) throw new AwsError('InvalidPrincipal', `Invalid Principal: '${invalid}'`);
  const absent = remove.find(
    (removed) => !permissions.some(({ principal }) => isSamePrincipal(removed, principal)),
  );
  if (absent !== undefined && absentPrincipal === 'refused')
    throw new AwsError('InvalidPrincipal.NotFound', `The principal '${absent}' does not exist`);
}

export function isDiscoverable(
  service: EndpointService,
  requester: Requester,
  consumerRegion: string,
): boolean {
  return (
    service.endedAt === undefined &&
    service.supportedRegions[consumerRegion] === 'Available' &&
    (service.accountId === requester.accountId ||
      service.permissions.some(({ principal }) => principalAllows(principal, requester)))
  );
}

function isLive({ state }: Endpoint): boolean {
  return state === 'pendingAcceptance' || state === 'pending' || state === 'available';
}
