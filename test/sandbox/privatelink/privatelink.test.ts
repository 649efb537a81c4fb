import { expect, test } from '@jest/globals';
import type { Output } from '../../../sandbox/privatelink/model.ts';
import { aConsumer, anEndpoint, aPrivateLink, aService, noon, provider } from './builders.ts';

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

test('endpoints of a service without required acceptance become available by themselves', () => {
  const privateLink = aPrivateLink();
  const endpoint = anEndpoint(privateLink, aService(privateLink, { acceptanceRequired: false }));
  expect(endpoint.state).toBe('pending');
  privateLink.advance(noon + 100);
  expect(endpoint.state).toBe('available');
});

test('notifications are sent when their transition is due, however time advances', () => {
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

test('a disabled notification sends nothing, and none does under the assumption of no notifications', () => {
  const disabled = aPrivateLink();
  const service = aService(disabled);
  for (const notification of Object.values(disabled.state.notifications)) notification.state = 'Disabled';
  anEndpoint(disabled, service);
  const withoutNotifications = aPrivateLink({ notifications: false });
  anEndpoint(withoutNotifications, aService(withoutNotifications));

  expect(events(disabled.advance(noon))).toEqual([]);
  expect(events(withoutNotifications.advance(noon))).toEqual([]);
});

test('a rejection replaces a pending acceptance, which sends no notification', () => {
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

test('a rejected connection cannot be accepted', () => {
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
] as const)('accepting again is %s under that assumption', (repeatedAccept, refusals) => {
  const privateLink = aPrivateLink({ repeatedAccept });
  const service = aService(privateLink);
  const endpoint = anEndpoint(privateLink, service);
  privateLink.accept(provider, service.id, [endpoint.id], noon);
  expect(privateLink.accept(provider, service.id, [endpoint.id], noon + 1)).toMatchObject(refusals);
  expect(privateLink.accept(provider, service.id, [endpoint.id], noon + 500)).toMatchObject(refusals);
});

test('a modified endpoint is pending again, without a notification', () => {
  const privateLink = aPrivateLink();
  const service = aService(privateLink, { acceptanceRequired: false });
  const endpoint = anEndpoint(privateLink, service);
  privateLink.advance(noon + 500);
  privateLink.modifyEndpoint(aConsumer(), endpoint.id, { securityGroupIds: [] }, noon + 500);
  expect(endpoint.state).toBe('pending');
  expect(events(privateLink.advance(noon + 600))).toEqual([]);
  expect(endpoint.state).toBe('available');
});

test('modifying an endpoint does not replace a pending rejection', () => {
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

test('a consumer in another Region connects only if the service supports that Region', () => {
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
