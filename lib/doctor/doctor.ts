import * as v from 'valibot';
import { placeName } from '../place.ts';
import { placesIn, registeredServices } from '../service/registered-services.ts';
import { type ExaminingAudit, examineAudit } from './audit-check.ts';
import type { Check } from './check.ts';
import { type ExaminingContacts, examineContacts } from './contact-checks.ts';
import { type ExaminingDeployment, examineDeployment } from './deployment-checks.ts';
import { examineItems, ItemPosition } from './item-checks.ts';
import { type ExaminingMail, examineMail } from './mail-checks.ts';
import { type ExaminingPlaces, examinePlace } from './place-checks.ts';
import { examineQueues } from './queue-checks.ts';
import { type ExaminingServices, examineService } from './service-checks.ts';
import { type ExaminingSlack, examineSlack } from './slack-checks.ts';

export interface Doctoring
  extends ExaminingDeployment,
    ExaminingSlack,
    ExaminingMail,
    ExaminingContacts,
    ExaminingPlaces,
    ExaminingServices,
    ExaminingAudit {}

/** Where the doctor goes on: after what there is once come places, then services, by how many were seen of them, then the items of the table. */
export const Position = v.variant('next', [
  v.object({
    next: v.picklist(['places', 'services']),
    seen: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
  v.object({ next: v.literal('items'), ...ItemPosition.entries }),
]);
export type Position = v.InferOutput<typeof Position>;

export interface CheckPage {
  readonly checks: readonly Check[];
  readonly next?: Position;
}

/** Each takes three calls to EC2, or some reads of the table. */
const perPage = 5;

/** Is this deployment in order, and what is to be done if not: a page at a time, so that no call takes long. */
export async function doctorPage(position: Position | undefined, deps: Doctoring): Promise<CheckPage> {
  if (!position) {
    const checks = await Promise.all([
      examineDeployment(deps),
      examineQueues(deps),
      examineSlack(deps),
      examineMail(deps),
      examineContacts(deps),
      examineAudit(deps),
    ]);
    return { checks: checks.flat(), next: { next: 'places', seen: 0 } };
  }
  if (position.next === 'items') {
    const { checks, next } = await examineItems(position, deps);
    return { checks, ...(next && { next: { next: 'items', ...next } }) };
  }
  const { next, seen } = position;
  const services = await registeredServices(deps);
  const places = placesIn(services);
  const end = seen + perPage;
  if (next === 'services') {
    const checks = await eachOf(services.slice(seen, end), (service) => examineService(service, deps));
    return {
      checks,
      next:
        end < services.length ? { next, seen: end } : { next: 'items', source: 0, read: 0, unreadable: 0 },
    };
  }
  const checks = await eachOf(places.slice(seen, end), (place) =>
    examinePlace(
      place,
      services.filter((service) => placeName(service.place) === placeName(place)),
      deps,
    ),
  );
  return { checks, next: end < places.length ? { next, seen: end } : { next: 'services', seen: 0 } };
}

async function eachOf<T>(
  subjects: readonly T[],
  checksOf: (subject: T) => Promise<Check[]>,
): Promise<Check[]> {
  return (await Promise.all(subjects.map(checksOf))).flat();
}
