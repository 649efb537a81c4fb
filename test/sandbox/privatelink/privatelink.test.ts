import { expect, test } from '@jest/globals';
import type { Output } from '../../../sandbox/privatelink/model.ts';
import { createPrivateLink } from '../../../sandbox/privatelink/privatelink.ts';
import { aConsumer, anEndpoint, aPrivateLink, aService, createIds, noon, provider } from './builders.ts';

const events = (effects: readonly Output[]) =>
  effects.flatMap((effect) =>
    effect.type === 'notification' ? [`${effect.event} ${effect.state} +${effect.time - noon}`] : [],
  );

test('an accepted connection is pending before it is available', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink);
  const endpoint = anEndpoint(privateLink, service);
  expect(endpoint.state).toBe('pendingAcceptance');

  expect(privateLink.accept(provider, service.id, [endpoint.id], noon)).toEqual([]);
  expect(endpoint.state).toBe('pendingAcceptance');
  privateLink.advance(noon + 100);
  expect(endpoint.state).toBe('pending');
  privateLink.advance(noon + 200);
  expect(endpoint.state).toBe('available');
});

test('a service without required acceptance makes endpoints available by itself', () => {
  const privateLink = aPrivateLink();
  const endpoint = anEndpoint(privateLink, aService(privateLink, { acceptanceRequired: false }));
  expect(endpoint.state).toBe('pending');
  privateLink.advance(noon + 100);
  expect(endpoint.state).toBe('available');
});

test('notifications ring when their transition shows, whenever time is moved on', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink);
  const endpoint = anEndpoint(privateLink, service);
  privateLink.accept(provider, service.id, [endpoint.id], noon);
  const beforeRejection = privateLink.advance(noon + 1000);
  privateLink.reject(provider, service.id, [endpoint.id], noon + 1000);
  privateLink.advance(noon + 1100);
  privateLink.deleteEndpoints(aConsumer(), [endpoint.id], noon + 2000);

  expect(events(beforeRejection)).toEqual(['Connect pendingAcceptance +0', 'Accept pending +100']);
  expect(events(privateLink.advance(noon + 3000))).toEqual(['Delete deleted +2100']);
});

test('a disabled notification stays silent, and so do all where notifications are assumed not to arrive', () => {
  const disabled = aPrivateLink();
  const service = aService(disabled);
  for (const notification of Object.values(disabled.state.notifications)) notification.state = 'Disabled';
  anEndpoint(disabled, service);
  const silent = aPrivateLink({ notifications: false });
  anEndpoint(silent, aService(silent));

  expect(events(disabled.advance(noon))).toEqual([]);
  expect(events(silent.advance(noon))).toEqual([]);
});

test('a rejection turns an acceptance that does not show yet, and nobody hears of the acceptance', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink);
  const endpoint = anEndpoint(privateLink, service);
  privateLink.accept(provider, service.id, [endpoint.id], noon);
  privateLink.reject(provider, service.id, [endpoint.id], noon + 50);

  expect(events(privateLink.advance(noon + 1000))).toEqual([
    'Connect pendingAcceptance +0',
    'Reject rejected +150',
  ]);
  expect(endpoint.state).toBe('rejected');
});

test('a rejected connection cannot be accepted any more', () => {
  const privateLink = aPrivateLink({ repeatedAccept: 'ok' });
  const service = aService(privateLink);
  const endpoint = anEndpoint(privateLink, service);
  privateLink.reject(provider, service.id, [endpoint.id], noon);
  expect(privateLink.accept(provider, service.id, [endpoint.id], noon + 500)).toMatchObject([
    { code: 'InvalidState' },
  ]);
});

test.each([
  ['ok', []],
  ['unsuccessful', [{ code: 'InvalidState' }]],
] as const)('accepting again is %s where that is assumed', (repeatedAccept, refusals) => {
  const privateLink = aPrivateLink({ repeatedAccept });
  const service = aService(privateLink);
  const endpoint = anEndpoint(privateLink, service);
  privateLink.accept(provider, service.id, [endpoint.id], noon);
  expect(privateLink.accept(provider, service.id, [endpoint.id], noon + 1)).toMatchObject(refusals);
  expect(privateLink.accept(provider, service.id, [endpoint.id], noon + 500)).toMatchObject(refusals);
});

test('an endpoint that is modified goes back through pending, without a sound', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink, { acceptanceRequired: false });
  const endpoint = anEndpoint(privateLink, service);
  privateLink.advance(noon + 500);
  privateLink.modifyEndpoint(aConsumer(), endpoint.id, { securityGroupIds: [] }, noon + 500);
  expect(endpoint.state).toBe('pending');
  expect(events(privateLink.advance(noon + 600))).toEqual([]);
  expect(endpoint.state).toBe('available');
});

test('modifying an endpoint does not turn a rejection that is on its way', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink, { acceptanceRequired: false });
  const endpoint = anEndpoint(privateLink, service);
  privateLink.advance(noon + 500);
  privateLink.reject(provider, service.id, [endpoint.id], noon + 500);
  privateLink.modifyEndpoint(aConsumer(), endpoint.id, { securityGroupIds: [] }, noon + 550);
  privateLink.advance(noon + 1000);
  expect(endpoint.state).toBe('rejected');
});

test('a deleted endpoint stays listed for a while', () => {
  const privateLink = aPrivateLink({ deletedListedMs: 1000 });
  const endpoint = anEndpoint(privateLink, aService(privateLink));
  privateLink.deleteEndpoints(aConsumer(), [endpoint.id], noon);
  privateLink.advance(noon + 100);
  expect(privateLink.connections(provider)).toMatchObject([{ endpoint: { state: 'deleted' } }]);
  expect(privateLink.isSettled()).toBe(true);
  privateLink.advance(noon + 1100);
  expect(privateLink.connections(provider)).toEqual([]);
  expect(privateLink.nextDue()).toBeUndefined();
});

test('a service with live connections is not deleted', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink);
  const endpoint = anEndpoint(privateLink, service);
  expect(privateLink.deleteServices(provider, [service.id], noon)).toMatchObject([
    { code: 'ExistingVpcEndpointConnections' },
  ]);
  privateLink.reject(provider, service.id, [endpoint.id], noon);
  privateLink.advance(noon + 100);
  expect(privateLink.deleteServices(provider, [service.id], noon + 100)).toEqual([]);
});

test('a consumer who is no allowed principal cannot tell that the service exists', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink);
  privateLink.modifyPermissions(provider, service.id, { add: ['022222222222'], remove: ['*'] });
  expect(() => anEndpoint(privateLink, service, { consumer: aConsumer('333333333333') })).toThrow(
    expect.objectContaining({ code: 'InvalidServiceName' }),
  );
  expect(anEndpoint(privateLink, service).state).toBe('pendingAcceptance');
});

test('a consumer of another Region connects only where the service supports that Region', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink, { regions: ['eu-west-1'] });
  expect(
    anEndpoint(privateLink, service, { consumer: aConsumer('022222222222', 'eu-west-1') }),
  ).toMatchObject({
    region: 'eu-west-1',
    serviceRegion: 'us-east-1',
  });
  expect(() =>
    anEndpoint(privateLink, service, { consumer: aConsumer('022222222222', 'eu-west-2') }),
  ).toThrow(expect.objectContaining({ code: 'InvalidServiceName' }));
});

test('a call that names too many endpoints fails as a whole', () => {
  const privateLink = aPrivateLink({ maxIdsPerCall: 1 });
  const service = aService(privateLink);
  const ids = [anEndpoint(privateLink, service).id, anEndpoint(privateLink, service).id];
  expect(() => privateLink.accept(provider, service.id, ids, noon)).toThrow(
    expect.objectContaining({ code: 'InvalidParameterValue' }),
  );
  expect(privateLink.isSettled()).toBe(true);
});

test('the state survives being written down as JSON', () => {
  const before = aPrivateLink();
  const service = aService(before);
  const endpoint = anEndpoint(before, service);
  before.accept(provider, service.id, [endpoint.id], noon);

  const after = createPrivateLink({ id: createIds(), state: JSON.parse(JSON.stringify(before.state)) });
  expect(events(after.advance(noon + 1000))).toEqual(['Accept pending +100']);
  expect(after.endpoints(aConsumer())).toMatchObject([{ state: 'available' }]);
});
