import type { Service } from '../service.ts';

/**
 * The service with its principals approved: from then on linkgate keeps them as the allowlist implies, where the service says `managed`.
 * @param removals how many principals that are in EC2 the person has seen go. They are the ones that are there to go when linkgate looks next, unless these are more.
 */
export function approvePrincipals(service: Service, by: string, now: Date, removals = 0): Service {
  const approval = { by, at: now.toISOString(), ...(removals > 0 && { removals }) };
  return { ...service, principalsApproval: approval };
}

/** Whether linkgate keeps the principals of the service equal to what the allowlist implies. */
export function hasManagedPrincipals({ principals, principalsApproval }: Service): boolean {
  return principals === 'managed' && principalsApproval !== undefined;
}
