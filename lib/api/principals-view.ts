import { readEntries } from '../allowlist/entries.ts';
import { allServicesScope } from '../allowlist/entry.ts';
import {
  desiredPrincipals,
  type PrincipalDifference,
  principalDifference,
} from '../services/allowed-principals/desired-principals.ts';
import type { Service } from '../services/service.ts';
import { ApiError } from './api-error.ts';
import type { ApiDeps } from './env.ts';

interface PrincipalsView extends PrincipalDifference {
  readonly principals: NonNullable<Service['principals']>;
  /** Who agreed that linkgate keeps them. */
  readonly approved: { readonly by: string; readonly at: string } | null;
}

/** How a service's allowed principals in EC2 differ from what the allowlist implies, read afresh. */
export async function readPrincipalsView(
  service: Service,
  { table, reportError, servicesClient, now }: ApiDeps,
): Promise<PrincipalsView> {
  const { serviceId, location, principals = 'observed', principalsApproval } = service;
  // EC2 is read first: what is allowed for an entry is then never shown without it.
  const found = await servicesClient(location).describe(serviceId);
  if (found && !found.principals)
    throw new ApiError(
      409,
      'Conflict',
      `EC2 lists the allowed principals of ${serviceId} for linkgate once it has the tag \`linkgate\`, which the mode enforce gives it: linkgate mode enforce`,
    );
  const entries = await readEntries([serviceId, allServicesScope], { table, reportError });
  const difference = principalDifference(desiredPrincipals(service, entries, now()), found?.principals ?? []);
  const approved = principalsApproval ? { by: principalsApproval.by, at: principalsApproval.at } : null;
  return { principals, approved, ...difference };
}
