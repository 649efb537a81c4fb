import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EndpointState } from '../../../sandbox/privatelink/model.ts';
import type { PrivateLink } from '../../../sandbox/privatelink/privatelink.ts';
import { aConsumer, anEndpoint, aPrivateLink, aService, noon, provider } from './builders.ts';

/** The documented next states of an endpoint. */
const legal: Readonly<Record<EndpointState, readonly EndpointState[]>> = {
  pendingAcceptance: ['pending', 'rejected', 'deleting'],
  pending: ['available', 'rejected', 'deleting', 'pending'],
  available: ['pending', 'rejected', 'deleting'],
  rejected: ['deleting'],
  deleting: ['deleted'],
  deleted: [],
};

interface History {
  readonly privateLink: PrivateLink;
  readonly serviceId: string;
  readonly endpointIds: string[];
  /** Endpoints that the provider called Accept for. */
  readonly accepted: Set<string>;
  now: number;
}

type Step = (history: History) => void;

const pick = fc.nat();
const onEndpoint = (step: (history: History, endpointId: string) => void) =>
  pick.map(
    (index): Step =>
      (history) => {
        const endpointId = history.endpointIds[index % history.endpointIds.length];
        if (endpointId !== undefined) step(history, endpointId);
      },
  );

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>(({ privateLink, serviceId, endpointIds, now }) => {
    const service = privateLink.service(provider, serviceId);
    endpointIds.push(anEndpoint(privateLink, service, { now }).id);
  }),
  onEndpoint(({ privateLink, serviceId, accepted, now }, endpointId) => {
    if (privateLink.accept(provider, serviceId, [endpointId], now).length === 0) accepted.add(endpointId);
  }),
  onEndpoint(({ privateLink, serviceId, now }, endpointId) =>
    privateLink.reject(provider, serviceId, [endpointId], now),
  ),
  onEndpoint(({ privateLink, now }, endpointId) =>
    privateLink.deleteEndpoints(aConsumer(), [endpointId], now),
  ),
  onEndpoint(({ privateLink, now }, endpointId) => {
    const state = privateLink.state.endpoints[endpointId]?.state;
    if (state === 'pendingAcceptance' || state === 'available')
      privateLink.modifyEndpoint(aConsumer(), endpointId, { subnetIds: [] }, now);
  }),
  fc.nat({ max: 400 }).map(
    (milliseconds): Step =>
      (history) => {
        history.now += milliseconds;
      },
  ),
);

test('in any history connections change as documented, and none becomes available without an accept', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const privateLink = aPrivateLink({ deletedListedMs: 300 });
      const { id: serviceId } = aService(privateLink);
      const history: History = { privateLink, serviceId, endpointIds: [], accepted: new Set(), now: noon };
      const lastStates = new Map<string, EndpointState>();

      for (const step of [...steps, (last: History) => (last.now += 10_000)]) {
        step(history);
        for (const effect of privateLink.advance(history.now)) {
          const { endpointId } = effect;
          if (effect.type === 'notification') {
            expect(effect.state).toBe(lastStates.get(endpointId));
            continue;
          }
          expect(effect.from).toBe(lastStates.get(endpointId));
          if (effect.from !== undefined) expect(legal[effect.from]).toContain(effect.to);
          if (effect.to === 'pending') expect(history.accepted).toContain(endpointId);
          lastStates.set(endpointId, effect.to);
        }
        expect((privateLink.nextDue() ?? Number.POSITIVE_INFINITY) > history.now).toBe(true);
      }
      expect(privateLink.isSettled()).toBe(true);
    }),
    { numRuns: 300 },
  );
});
