import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { accounts, createEndpoint, createService } from '../sandbox.ts';
import {
  acceptByHand,
  assume,
  confirm,
  connect,
  disconnect,
  gathered,
  inTable,
  laterBy,
  type Stage,
  type Story,
  tableName,
  wholePass,
  widenSubscription,
} from './harness.ts';

const address = 'ops@initech.example';
/** Of which SNS knows nothing. */
const topic = `arn:aws:sns:us-east-1:${accounts.allowed}:linkgate-nowhere`;

/**
 * Connections that lose their permission: consumers delete some of them, and of the rest the budget leaves some to people. One
 * loses it soon. In the end the table is taken for another one.
 */
export async function endings(stage: Stage) {
  const { linkgate } = stage;
  const story: Story = { ...stage, serviceId: await createService(linkgate) };
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
  await gathered(story);
  await disconnect(story, accounts.allowed, deleted);
  await consumersWithAddress(story);
  await assume(story, { notifications: false });
  await disconnect(story, accounts.allowed, vanished);
  for (const _ of ['missing', 'deleted']) await wholePass(story);
  await assume(story, { notifications: true });
  await consumersWithTopic(story);
  await laterBy(story, 72 * 3_600);
  await wholePass(story);
  await gathered(story);
  await linkgate.json('customer', 'remove', 'initech');
  await forgetTable(story);
  await wholePass(story);
}

const initech = ['customer', 'set', 'initech', '--account', accounts.allowed];

/** Whom nobody has told yet of what was announced before. */
async function consumersWithAddress(story: Story) {
  const { linkgate } = story;
  await linkgate.json(...initech, '--contact-email', address);
  await confirm(story, address);
  await widenSubscription(story, 'consumers', address);
  await linkgate.json(...initech, '--contact-email', address);
}

/** Whom then nothing reaches. */
async function consumersWithTopic(story: Story) {
  await gathered(story);
  await story.linkgate.json(...initech, '--contact-topic', topic);
}

async function forgetTable(story: Story) {
  const Key = { pk: { S: 'TABLE_IDENTITY' }, sk: { S: 'TABLE_IDENTITY' } };
  await inTable(story, (client) => client.send(new DeleteItemCommand({ TableName: tableName, Key })));
}
