import { expect, test } from '@jest/globals';
import { requestTarget } from '../../lib/approvals/digest.ts';
import { notifyApprovers } from '../../lib/notifications/notify-approvers.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { reevaluateConnections } from '../../lib/reconcile/reevaluate.ts';
import { serviceKey } from '../../lib/services/service.ts';
import { endpointId, serviceId } from '../builders.ts';
import { anAwaitingRecord, channel, createNotifyTestEnv } from './fixtures.ts';

test('the message of a request says that its service was deregistered, and offers no actions', async () => {
  const { env, slack, deps, notify } = createNotifyTestEnv();
  await notify();
  await env.table.write([{ remove: serviceKey(serviceId(1)) }]);
  await reevaluateConnections({ serviceId: serviceId(1), isDeregistered: true }, env.deps);
  await decideConnections(
    env.published.map(({ connection }) => connection),
    env.deps,
  );
  await notify();
  expect(slack.messages).toMatchObject([{ channel, text: expect.stringContaining('Service deregistered') }]);
  expect(slack.messages[0]?.text).not.toContain('approve');
  expect(await env.notification(endpointId(1))).toMatchObject({ message: { channel } });
  await notifyApprovers([requestTarget(endpointId(1))], deps);
  expect(slack.calls).toEqual(['post', 'update']);
});

test('a digest says how many of its requests are of a deregistered service, and that none of them awaits approval', async () => {
  const records = Array.from({ length: 12 }, (_, number) => anAwaitingRecord(number));
  const { env, slack, notify, settle } = createNotifyTestEnv({ records });
  await notify();
  const digests = env.queuedNotifications.filter(({ kind }) => kind === 'digest');
  await settle();
  await env.table.write([{ remove: serviceKey(serviceId(1)) }]);
  await decideConnections(records, env.deps);
  env.advanceSeconds(60);
  await notify(digests);
  const message = slack.messages.find(({ text }) => text.includes('2 requests'));
  expect(message?.text).toContain('Service deregistered: 2');
  expect(message?.text).not.toContain('wait for approval');
});
