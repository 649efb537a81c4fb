import { accounts, createEndpoint, createService } from '../sandbox.ts';
import {
  acceptByHand,
  confirmSubscription,
  connect,
  disconnect,
  runFullSweep,
  type ScenarioContext,
  type ServiceContext,
  tableName,
  widenSubscription,
  withTable,
} from './harness.ts';

const address = 'ops@initech.example';
/** A topic that does not exist. */
const topic = `arn:aws:sns:us-east-1:${accounts.allowed}:linkgate-nowhere`;

/**
 * Connections lose their permission. Consumers delete some of them; of the rest, the disconnect quota leaves some to
 * approvers. One expires soon. At the end linkgate treats the table as restored, because its identity is missing.
 */
export async function runDisconnects(stage: ScenarioContext) {
  const { linkgate } = stage;
  const context: ServiceContext = { ...stage, serviceId: await createService(linkgate) };
  const ofService = ['--service', context.serviceId];
  await linkgate.json('service', 'add', context.serviceId, '--name', 'endings');
  await linkgate.json('allow', accounts.limited, ...ofService, '--expires', '10d');
  await connect(context, accounts.limited);
  await linkgate.json('allow', accounts.allowed, ...ofService);
  const endpointIds = await Promise.all(
    Array.from({ length: 12 }, () => createEndpoint(linkgate, accounts.allowed, context.serviceId)),
  );
  const [revoked = '', deleted = '', vanished = ''] = endpointIds;
  await acceptByHand(context, await connect(context, accounts.unknown));
  await linkgate.json('revoke', revoked, '--reason', 'no contract');
  await linkgate.idle();
  await linkgate.json('allowlist', 'remove', accounts.allowed, ...ofService);
  await context.linkgate.waitForBatch();
  await disconnect(context, accounts.allowed, deleted);
  await setContactEmail(context);
  await context.linkgate.assume({ notifications: false });
  await disconnect(context, accounts.allowed, vanished);
  for (const _ of ['missing', 'deleted']) await runFullSweep(context);
  await context.linkgate.assume({ notifications: true });
  await setContactTopic(context);
  await context.linkgate.advanceClock(72 * 3_600);
  await runFullSweep(context);
  await context.linkgate.waitForBatch();
  await linkgate.json('customer', 'remove', 'initech');
  await removeTableIdentity(context);
  await runFullSweep(context);
}

const initech = ['customer', 'set', 'initech', '--account', accounts.allowed];

/** Sets a contact who was not notified of the earlier scheduled disconnects. */
async function setContactEmail(context: ServiceContext) {
  const { linkgate } = context;
  await linkgate.json(...initech, '--contact-email', address);
  await confirmSubscription(context, address);
  await widenSubscription(context, 'customers', address);
  await linkgate.json(...initech, '--contact-email', address);
}

/** Replaces the contact by a topic that does not exist, so that delivery fails. */
async function setContactTopic(context: ServiceContext) {
  await context.linkgate.waitForBatch();
  await context.linkgate.json(...initech, '--contact-topic', topic);
}

async function removeTableIdentity(context: ServiceContext) {
  const Key = { pk: { S: 'TABLE_IDENTITY' }, sk: { S: 'TABLE_IDENTITY' } };
  await withTable(context, (client) => client.deleteItem({ TableName: tableName, Key }));
}
