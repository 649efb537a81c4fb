import type * as Client from '@aws-sdk/client-ec2';
import type { Permission } from '../privatelink/model.ts';
import { principalType } from '../privatelink/principal.ts';
import type { PrivateLink } from '../privatelink/privatelink.ts';
import type { OperationContext } from './aws-service.ts';
import { selectPage } from './ec2-describe.ts';
import { requireIds } from './ec2-parameters.ts';

/** The operations of a provider on allowed principals. */
export function servicePermissionOperations(privateLink: PrivateLink) {
  return {
    ModifyVpcEndpointServicePermissions(
      input: Client.ModifyVpcEndpointServicePermissionsRequest,
      { caller }: OperationContext,
    ): Client.ModifyVpcEndpointServicePermissionsResult {
      const {
        ServiceId: serviceId = '',
        AddAllowedPrincipals: add = [],
        RemoveAllowedPrincipals: remove = [],
      } = input;
      requireIds('service', [serviceId]);
      const added = privateLink.modifyPermissions(caller, serviceId, { add, remove });
      return {
        AddedPrincipals: added.map((permission) => allowedPrincipalOutput(permission, serviceId)),
        ReturnValue: true,
      };
    },

    DescribeVpcEndpointServicePermissions(
      input: Client.DescribeVpcEndpointServicePermissionsRequest,
      context: OperationContext,
    ): Client.DescribeVpcEndpointServicePermissionsResult {
      const { ServiceId: serviceId = '' } = input;
      requireIds('service', [serviceId]);
      const { permissions } = privateLink.service(context.caller, serviceId);
      const { rows, NextToken } = selectPage(
        `DescribeVpcEndpointServicePermissions ${serviceId}`,
        permissions,
        input,
        context,
      );
      return {
        AllowedPrincipals: rows.map((permission) => allowedPrincipalOutput(permission, serviceId)),
        NextToken,
      };
    },
  };
}

function allowedPrincipalOutput({ id, principal }: Permission, serviceId: string): Client.AllowedPrincipal {
  return {
    PrincipalType: principalType(principal),
    Principal: principal,
    ServicePermissionId: id,
    Tags: [],
    ServiceId: serviceId,
  };
}
