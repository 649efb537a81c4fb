import { expect, test } from '@jest/globals';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { reevaluateConnections } from '../../lib/reconcile/reevaluate.ts';
import { serviceKey } from '../../lib/services/service.ts';
import { endpointId, serviceId } from '../builders.ts';
import { anAskedRecord, aWorldThatTells, channel } from './fixtures.ts';

test('what people were asked about at a service that was taken out is told of as given up, and waits no more', async () => {
  const { world, slack, deps, tell } = aWorldThatTells();
  await tell();
  await world.table.write([{ remove: serviceKey(serviceId(1)) }]);
  await reevaluateConnections({ serviceId: serviceId(1), isGone: true }, world.deps);
  await decideConnections(
    world.published.map(({ connection }) => connection),
    world.deps,
  );
  await tell();
  expect(slack.messages).toMatchObject([{ channel, text: expect.stringContaining('Given up') }]);
  expect(slack.messages[0]?.text).not.toContain('approve');
  const closed = await world.record(endpointId(1));
  expect(closed?.notice).toMatchObject({ slack: { channel } });
  await notifyApprovers([{ endpointId: endpointId(1) }], deps);
  expect(slack.calls).toEqual(['post', 'update']);
});

test('a storm of which the service was taken out has nothing left to decide', async () => {
  const records = Array.from({ length: 12 }, (_, number) => anAskedRecord(number));
  const { world, slack, tell } = aWorldThatTells({ records });
  await tell();
  const [digest] = world.notices.flatMap((notice) => ('digest' in notice ? notice.digest : []));
  if (digest === undefined) throw new Error('no digest was begun');
  await tell([{ digest }]);
  await world.table.write([{ remove: serviceKey(serviceId(1)) }]);
  await decideConnections(records, world.deps);
  world.wait(60);
  await tell([{ digest }]);
  const message = slack.messages.find(({ text }) => text.includes('2 requests'));
  expect(message?.text).toContain('Given up: 2');
  expect(message?.text).not.toContain('wait for approval');
});
