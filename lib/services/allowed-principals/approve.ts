import type { Service } from '../service.ts';

/**
 * Approves the management of the principals. linkgate then keeps them equal to the allowlist, if the service says `managed`.
 * @param removals the number of removals in the approved plan. The next reconciliation may remove at most this many principals at
 * once, and blocks the removal of more.
 */
export function approvePrincipals(service: Service, by: string, now: Date, removals = 0): Service {
  const approval = { by, at: now.toISOString(), ...(removals > 0 && { removals }) };
  return { ...service, principalsApproval: approval };
}

/** Whether linkgate keeps the principals of the service equal to the allowlist. */
export function hasManagedPrincipals({ principals, principalsApproval }: Service): boolean {
  return principals === 'managed' && principalsApproval !== undefined;
}
