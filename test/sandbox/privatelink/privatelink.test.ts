import { expect, test } from '@jest/globals';
import type { Output } from '../../../sandbox/privatelink/model.ts';
import { aConsumer, anEndpoint, aPrivateLink, aService, noon, provider } from './builders.ts';

const events = (effects: readonly Output[]) =>
  effects.flatMap((effect) =>
    effect.type === 'notification' ? [`${effect.event} ${effect.state} +${effect.time - noon}`] : [],
  );

/** One endpoint of a service at noon. Times are milliseconds since noon. */
function aConnection(
  assumptions: Parameters<typeof aPrivateLink>[0] = {},
  options: Parameters<typeof aService>[1] = {},
) {
  const privateLink = aPrivateLink(assumptions);
  const service = aService(privateLink, options);
  const endpoint = anEndpoint(privateLink, service);
  return {
    privateLink,
    service,
    endpoint,
    accept: (at: number) => privateLink.accept(provider, service.id, [endpoint.id], noon + at),
    reject: (at: number) => privateLink.reject(provider, service.id, [endpoint.id], noon + at),
    modify: (at: number) =>
      privateLink.modifyEndpoint(aConsumer(), endpoint.id, { securityGroupIds: [] }, noon + at),
    remove: (at: number) => privateLink.deleteEndpoints(aConsumer(), [endpoint.id], noon + at),
    advance: (at: number) => events(privateLink.advance(noon + at)),
  };
}

test('an accepted connection is pending before it is available', () => {
  const { endpoint, accept, advance } = aConnection();
  expect(accept(0)).toEqual([]);
  expect(endpoint.state).toBe('pendingAcceptance');
  advance(100);
  expect(endpoint.state).toBe('pending');
  advance(200);
  expect(endpoint.state).toBe('available');
});

test('notifications are sent when their transition is due, however time advances', () => {
  const { accept, reject, remove, advance } = aConnection();
  accept(0);
  expect(advance(1000)).toEqual(['Connect pendingAcceptance +0', 'Accept pending +100']);
  reject(1000);
  advance(1100);
  remove(2000);
  expect(advance(3000)).toEqual(['Delete deleted +2100']);
});

test('a disabled notification sends nothing, and none does under the assumption of no notifications', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink);
  for (const notification of Object.values(privateLink.state.notifications)) notification.state = 'Disabled';
  anEndpoint(privateLink, service);
  expect(events(privateLink.advance(noon))).toEqual([]);
  expect(aConnection({ notifications: false }).advance(0)).toEqual([]);
});

test('a rejection replaces a pending acceptance, which sends no notification', () => {
  const { endpoint, accept, reject, advance } = aConnection();
  accept(0);
  reject(50);
  expect(advance(1000)).toEqual(['Connect pendingAcceptance +0', 'Reject rejected +150']);
  expect(endpoint.state).toBe('rejected');
});

test('a rejected connection cannot be accepted', () => {
  const { accept, reject } = aConnection({ repeatedAccept: 'ok' });
  reject(0);
  expect(accept(500)).toMatchObject([{ code: 'InvalidState' }]);
});

test.each([
  ['ok', []],
  ['unsuccessful', [{ code: 'InvalidState' }]],
] as const)('accepting again is %s under that assumption', (repeatedAccept, refusals) => {
  const { accept } = aConnection({ repeatedAccept });
  accept(0);
  expect(accept(1)).toMatchObject(refusals);
  expect(accept(500)).toMatchObject(refusals);
});

test('without required acceptance an endpoint becomes available, and is pending after each change', () => {
  const { endpoint, modify, reject, advance } = aConnection({}, { acceptanceRequired: false });
  expect(endpoint.state).toBe('pending');
  advance(500);
  expect(endpoint.state).toBe('available');
  modify(500);
  expect(endpoint.state).toBe('pending');
  expect(advance(600)).toEqual([]);
  expect(endpoint.state).toBe('available');
  // A change does not replace a pending rejection.
  reject(600);
  modify(650);
  advance(1000);
  expect(endpoint.state).toBe('rejected');
});

test('a deleted endpoint stays listed for a while', () => {
  const { privateLink, remove, advance } = aConnection({ deletedListedMs: 1000 });
  remove(0);
  advance(100);
  expect(privateLink.connections(provider)).toMatchObject([{ endpoint: { state: 'deleted' } }]);
  expect(privateLink.isSettled()).toBe(true);
  advance(1100);
  expect(privateLink.connections(provider)).toEqual([]);
  expect(privateLink.nextDue()).toBeUndefined();
});

test('a consumer in another Region connects only if the service supports that Region', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink, { regions: ['eu-west-1'] });
  const connectFrom = (region: string) =>
    anEndpoint(privateLink, service, { consumer: aConsumer('022222222222', region) });
  expect(connectFrom('eu-west-1')).toMatchObject({ region: 'eu-west-1', serviceRegion: 'us-east-1' });
  expect(() => connectFrom('eu-west-2')).toThrow(expect.objectContaining({ code: 'InvalidServiceName' }));
});

test('a call that names too many endpoints fails as a whole', () => {
  const { privateLink, service, endpoint } = aConnection({ maxIdsPerCall: 1 });
  const ids = [endpoint.id, anEndpoint(privateLink, service).id];
  expect(() => privateLink.accept(provider, service.id, ids, noon)).toThrow(
    expect.objectContaining({ code: 'InvalidParameterValue' }),
  );
  expect(privateLink.isSettled()).toBe(true);
});
