import { readEntries } from '../allowlist/entries.ts';
import { allServicesScope } from '../allowlist/entry.ts';
import {
  desiredPrincipals,
  type PrincipalDifference,
  principalDifference,
} from '../services/allowed-principals/desired-principals.ts';
import type { Service } from '../services/service.ts';
import { conflictError } from './api-error.ts';
import type { ApiDeps } from './env.ts';

interface PrincipalsView extends PrincipalDifference {
  readonly principals: NonNullable<Service['principals']>;
  /** The administrator who approved the management of the principals by linkgate. */
  readonly approved: { readonly by: string; readonly at: string } | null;
}

/** Compares the allowed principals that EC2 shows now with those that the allowlist implies. */
export async function readPrincipalsView(
  service: Service,
  { table, reportError, servicesClient, now }: ApiDeps,
): Promise<PrincipalsView> {
  const { serviceId, location, principals = 'observed', principalsApproval } = service;
  // Reads EC2 before the entries, so that no principal appears as extra without its entry.
  const describedService = await servicesClient(location).describe(serviceId);
  if (describedService && !describedService.principals)
    throw conflictError(
      `EC2 shows linkgate the allowed principals of ${serviceId} once the service has the tag \`linkgate\`, which linkgate sets in the mode enforce: linkgate mode enforce`,
    );
  const entries = await readEntries([serviceId, allServicesScope], { table, reportError });
  const difference = principalDifference(
    desiredPrincipals(service, entries, now()),
    describedService?.principals ?? [],
  );
  const approved = principalsApproval ? { by: principalsApproval.by, at: principalsApproval.at } : null;
  return { principals, approved, ...difference };
}
