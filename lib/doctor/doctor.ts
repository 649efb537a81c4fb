import * as v from 'valibot';
import { formatAccountRegion } from '../locations/account-region.ts';
import { listRegisteredServices, uniqueLocations } from '../services/registered-services.ts';
import { type AuditCheckDeps, checkAudit } from './audit-check.ts';
import type { Check } from './check.ts';
import { type ContactCheckDeps, checkContacts } from './contact-checks.ts';
import { checkDeployment, type DeploymentCheckDeps } from './deployment-checks.ts';
import { checkEmail, type EmailCheckDeps } from './email-checks.ts';
import { checkItems, ItemCheckCursor } from './item-checks.ts';
import { checkLocation, type LocationCheckDeps } from './location-checks.ts';
import { checkQueues } from './queue-checks.ts';
import { checkRegisteredService, type ServiceCheckDeps } from './service-checks.ts';
import { checkSlack, type SlackCheckDeps } from './slack-checks.ts';

export interface DoctorDeps
  extends DeploymentCheckDeps,
    SlackCheckDeps,
    EmailCheckDeps,
    ContactCheckDeps,
    LocationCheckDeps,
    ServiceCheckDeps,
    AuditCheckDeps {}

/** The next page of the doctor: locations and services by the number of checked ones, then the items of the table. */
export const CheckCursor = v.variant('next', [
  v.object({
    next: v.picklist(['locations', 'services']),
    seen: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
  v.object({ next: v.literal('items'), ...ItemCheckCursor.entries }),
]);
export type CheckCursor = v.InferOutput<typeof CheckCursor>;

export interface CheckPage {
  readonly checks: readonly Check[];
  readonly next?: CheckCursor;
}

/** Each subject takes three calls to EC2 or some reads of the table. */
const subjectsPerPage = 5;

/** Checks the deployment, with a remedy for each problem. It returns one page, so that each API request stays short. */
export async function runDoctorPage(position: CheckCursor | undefined, deps: DoctorDeps): Promise<CheckPage> {
  if (!position) {
    const checks = await Promise.all([
      checkDeployment(deps),
      checkQueues(deps),
      checkSlack(deps),
      checkEmail(deps),
      checkContacts(deps),
      checkAudit(deps),
    ]);
    return { checks: checks.flat(), next: { next: 'locations', seen: 0 } };
  }
  if (position.next === 'items') {
    const { checks, next } = await checkItems(position, deps);
    return { checks, ...(next && { next: { next: 'items', ...next } }) };
  }
  const { next, seen } = position;
  const services = await listRegisteredServices(deps);
  const locations = uniqueLocations(services);
  const end = seen + subjectsPerPage;
  if (next === 'services') {
    const checks = await checkEach(services.slice(seen, end), (service) =>
      checkRegisteredService(service, deps),
    );
    return {
      checks,
      next:
        end < services.length ? { next, seen: end } : { next: 'items', source: 0, read: 0, unreadable: 0 },
    };
  }
  const checks = await checkEach(locations.slice(seen, end), (location) =>
    checkLocation(
      location,
      services.filter((service) => formatAccountRegion(service.location) === formatAccountRegion(location)),
      deps,
    ),
  );
  return { checks, next: end < locations.length ? { next, seen: end } : { next: 'services', seen: 0 } };
}

async function checkEach<T>(
  subjects: readonly T[],
  checksOf: (subject: T) => Promise<Check[]>,
): Promise<Check[]> {
  return (await Promise.all(subjects.map(checksOf))).flat();
}
