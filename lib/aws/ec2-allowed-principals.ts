import {
  type EC2Client,
  ModifyVpcEndpointServicePermissionsCommand,
  type ModifyVpcEndpointServicePermissionsCommandInput,
} from '@aws-sdk/client-ec2';
import {
  type AllowedPrincipals,
  PrincipalsRefusedError,
} from '../services/allowed-principals/allowed-principals.ts';
import { listAllowedPrincipals } from './ec2-endpoint-services.ts';
import { toThrottledError } from './ec2-throttling.ts';

export function ec2AllowedPrincipals(ec2: EC2Client): AllowedPrincipals {
  async function modify(input: ModifyVpcEndpointServicePermissionsCommandInput) {
    try {
      await ec2.send(new ModifyVpcEndpointServicePermissionsCommand(input));
    } catch (error) {
      throw error instanceof Error ? toPrincipalsRefusedError(error) : error;
    }
  }

  return {
    list: (serviceId) => listAllowedPrincipals(ec2, serviceId),
    allow: (serviceId, principals) => modify({ ServiceId: serviceId, AddAllowedPrincipals: [...principals] }),
    disallow: (serviceId, principals) =>
      modify({ ServiceId: serviceId, RemoveAllowedPrincipals: [...principals] }),
  };
}

/**
 * Converts an error with which EC2 refused the call and changed nothing. After any other error the result is unknown. AWS
 * documents no error codes for this call: `InvalidPrincipal` was observed, the meaning of the others follows from their names.
 */
function toPrincipalsRefusedError(error: Error): Error {
  const { name: code, message } = error;
  const throttling = toThrottledError(error);
  if (throttling) return throttling;
  const reason = principalsRefusalReason(code);
  return reason ? new PrincipalsRefusedError(reason, code, message, { cause: error }) : error;
}

function principalsRefusalReason(code: string): PrincipalsRefusedError['reason'] | undefined {
  if (/^InvalidVpcEndpointService|^(UnauthorizedOperation|OptInRequired)$/.test(code)) return 'service';
  if (/^(Invalid|Malformed|TooMany)|LimitExceeded$/.test(code)) return 'principals';
  return undefined;
}
