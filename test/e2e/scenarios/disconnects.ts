import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { accounts, createEndpoint, createService } from '../sandbox.ts';
import {
  acceptByHand,
  advanceClock,
  confirmSubscription,
  connect,
  disconnect,
  runFullSweep,
  type ScenarioContext,
  type ServiceContext,
  setAssumptions,
  tableName,
  waitForBatch,
  widenSubscription,
  withTable,
} from './harness.ts';

const address = 'ops@initech.example';
/** A topic that does not exist. */
const topic = `arn:aws:sns:us-east-1:${accounts.allowed}:linkgate-nowhere`;

/**
 * Connections lose their permission. Consumers delete some of them; of the rest, the disconnect quota leaves some to approvers. One
 * expires soon. In the end linkgate takes the table for a restored one.
 */
export async function runDisconnects(stage: ScenarioContext) {
  const { linkgate } = stage;
  const story: ServiceContext = { ...stage, serviceId: await createService(linkgate) };
  const ofService = ['--service', story.serviceId];
  await linkgate.json('service', 'add', story.serviceId, '--name', 'endings');
  await linkgate.json('allow', accounts.counted, ...ofService, '--expires', '10d');
  await connect(story, accounts.counted);
  await linkgate.json('allow', accounts.allowed, ...ofService);
  const endpointIds = await Promise.all(
    Array.from({ length: 12 }, () => createEndpoint(linkgate, accounts.allowed, story.serviceId)),
  );
  const [revoked = '', deleted = '', vanished = ''] = endpointIds;
  await acceptByHand(story, await connect(story, accounts.unknown));
  await linkgate.json('revoke', revoked, '--reason', 'no contract');
  await linkgate.idle();
  await linkgate.json('allowlist', 'remove', accounts.allowed, ...ofService);
  await waitForBatch(story);
  await disconnect(story, accounts.allowed, deleted);
  await setContactEmail(story);
  await setAssumptions(story, { notifications: false });
  await disconnect(story, accounts.allowed, vanished);
  for (const _ of ['missing', 'deleted']) await runFullSweep(story);
  await setAssumptions(story, { notifications: true });
  await setContactTopic(story);
  await advanceClock(story, 72 * 3_600);
  await runFullSweep(story);
  await waitForBatch(story);
  await linkgate.json('customer', 'remove', 'initech');
  await removeTableIdentity(story);
  await runFullSweep(story);
}

const initech = ['customer', 'set', 'initech', '--account', accounts.allowed];

/** Sets a contact who was not notified of the earlier scheduled disconnects. */
async function setContactEmail(story: ServiceContext) {
  const { linkgate } = story;
  await linkgate.json(...initech, '--contact-email', address);
  await confirmSubscription(story, address);
  await widenSubscription(story, 'consumers', address);
  await linkgate.json(...initech, '--contact-email', address);
}

/** Replaces the contact by a topic that does not exist, so that delivery fails. */
async function setContactTopic(story: ServiceContext) {
  await waitForBatch(story);
  await story.linkgate.json(...initech, '--contact-topic', topic);
}

async function removeTableIdentity(story: ServiceContext) {
  const Key = { pk: { S: 'TABLE_IDENTITY' }, sk: { S: 'TABLE_IDENTITY' } };
  await withTable(story, (client) => client.send(new DeleteItemCommand({ TableName: tableName, Key })));
}
