import * as v from 'valibot';
import { answerDoorbells } from '../../lib/connection/answer-doorbells.ts';
import { applyVerdicts } from '../../lib/connection/apply-verdicts.ts';
import { BusMessage } from '../../lib/connection/connection-event.ts';
import { readDoorbell } from '../../lib/connection/connection-notification.ts';
import { decideConnections } from '../../lib/connection/decide-connections.ts';
import { tendConnections } from '../../lib/connection/tend-connections.ts';
import { Place, placeName } from '../../lib/place.ts';
import { reviewRequests, scopeOf } from '../../lib/policy/review-requests.ts';
import { checkServices } from '../../lib/service/check-service.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import { SweepRequest } from '../../lib/sweep/sweeps.ts';
import { ringForChanged, Subject } from '../../lib/telling/notice.ts';
import { tellApprovers } from '../../lib/telling/tell-approvers.ts';
import type { Change } from '../doubles/memory-table.ts';
import type { QueueName } from './linkgate.ts';
import type { Wired } from './wiring.ts';

/** Gets the bodies of a batch; says which of them, by their place, are to be delivered again. */
type Handler = (bodies: readonly string[], wired: Wired) => Promise<readonly number[]>;

const Ring = v.pipe(v.string(), v.parseJson(), v.object({ place: Place }));
const Event = v.pipe(v.string(), v.parseJson(), BusMessage);
const Notice = v.pipe(v.string(), v.parseJson(), Subject);
const Sweep = v.pipe(v.string(), v.parseJson(), SweepRequest);

/** linkgate's functions, as thin as in functions/, by the queue that each of them reads. */
export const handlers: Readonly<Record<QueueName, Handler>> = {
  notifications: answer,
  looks: answer,
  async requests(bodies, wired) {
    const requests = bodies
      .map((body) => v.parse(Event, body).detail)
      .map(({ connection, observedAt }) => ({ ...connection, observedAt }));
    return failedOf(await decideConnections(requests, wired));
  },
  async changes(bodies, wired) {
    return failedOf(
      await tendConnections(
        bodies.map((body) => v.parse(Event, body).detail),
        wired,
      ),
    );
  },
  async verdicts(bodies, wired) {
    const places = bodies.map((body) => v.parse(Ring, body).place);
    for (const place of new Map(places.map((each) => [placeName(each), each])).values())
      await applyVerdicts(place, wired);
    return [];
  },
  async serviceChanges(bodies, wired) {
    const results = await checkServices(bodies, wired);
    return results.some((result) => 'error' in result) ? bodies.map((_, index) => index) : [];
  },
  async sweeps(bodies, wired) {
    for (const body of bodies) {
      const request = v.parse(Sweep, body);
      const sweep = await sweepConnections(request.place, request.pass, wired);
      if (sweep.status === 'unfinished') await wired.sweeps.request(request);
      else if (sweep.status === 'overlapping' && request.waitsForTurn)
        await wired.sweeps.request(request, { afterSeconds: 5 });
    }
    return [];
  },
  async notices(bodies, wired) {
    const subjects = bodies.map((body) => v.parse(Notice, body));
    const { failed } = await tellApprovers(subjects, wired);
    return failed.map((subject) => subjects.indexOf(subject));
  },
  async records(bodies, wired) {
    for (const body of bodies) {
      const { before, after } = JSON.parse(body) as Change;
      await ringForChanged([{ before, after }], wired);
      const scope = scopeOf(before, after);
      if (scope) await reviewRequests(scope, wired);
    }
    return [];
  },
};

async function answer(bodies: readonly string[], wired: Wired): Promise<readonly number[]> {
  const doorbells = bodies.map(readDoorbell);
  const { unanswered } = await answerDoorbells(
    doorbells.filter((doorbell) => doorbell !== undefined),
    wired,
  );
  return doorbells.flatMap((doorbell, index) =>
    doorbell && unanswered.has(placeName(doorbell.place)) ? [index] : [],
  );
}

function failedOf(results: readonly object[]): number[] {
  return results.flatMap((result, index) => ('error' in result ? [index] : []));
}
