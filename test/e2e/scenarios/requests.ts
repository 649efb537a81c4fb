import { accounts, createEndpoint, provider, waitUntil } from '../sandbox.ts';
import {
  acceptByHand,
  connect,
  disconnect,
  listCalls,
  runFullSweep,
  type ServiceContext,
  tableName,
  withFault,
  withQueues,
  withTable,
} from './harness.ts';

/** Requests that are accepted, rejected, counted, approved, denied, and found by a notification without ids. */
export async function runRequests(context: ServiceContext) {
  const { linkgate, serviceId } = context;
  await linkgate.json('allow', accounts.allowed, '--service', serviceId);
  await linkgate.json('block', accounts.blocked, '--service', '*');
  await linkgate.json('allow', accounts.limited, '--service', serviceId, '--max-endpoints', '1');
  await linkgate.json('allow', '666666666666', '--service', serviceId);
  await linkgate.json('allowlist', 'remove', '666666666666', '--service', serviceId);
  await connect(context, accounts.blocked);
  const firstCounted = await connect(context, accounts.limited);
  await linkgate.json('approve', await connect(context, accounts.unknown));
  await linkgate.json('deny', await connect(context, accounts.unknown), '--reason', 'no contract');
  await linkgate.json('approve', await connect(context, accounts.limited));
  await linkgate.idle();
  await disconnect(context, accounts.limited, firstCounted);
  await context.linkgate.assume({ notificationBody: 'no-ids' });
  await connect(context, accounts.allowed);
  await context.linkgate.assume({ notificationBody: 'text' });
}

/**
 * Verdicts that change while pending, calls that EC2 throttles for a whole run, a call that takes effect late, and a
 * failed call that took effect.
 */
export async function runLateChanges(context: ServiceContext) {
  const { linkgate, serviceId } = context;
  const accept = { service: 'ec2', action: 'AcceptVpcEndpointConnections', rate: 1 };
  await withFault(context, { ...accept, error: 'RequestLimitExceeded' }, async () => {
    await createEndpoint(linkgate, accounts.allowed, serviceId);
    await waitUntil(() =>
      listCalls(context, 'apply-verdicts').some(({ action }) => action === 'SendMessageBatch'),
    );
    await linkgate.json('allowlist', 'remove', accounts.allowed, '--service', serviceId);
    await waitUntil(() =>
      listCalls(context, 'decide-connections').some(({ params }) =>
        JSON.stringify(params).includes('"Delete"'),
      ),
    );
  });
  await linkgate.json('allow', accounts.allowed, '--service', serviceId);
  await linkgate.idle();

  await withFault(context, { ...accept, count: 1, error: 'InternalError' }, async () => {
    const late = await connect(context, accounts.allowed);
    await linkgate.json('block', accounts.allowed, '--service', serviceId);
    await linkgate.idle();
    await acceptByHand(context, late);
  });
  await linkgate.json('allow', accounts.allowed, '--service', serviceId);

  await context.linkgate.assume({ pendingAfterMs: 0 });
  await withFault(context, { ...accept, count: 1, error: 'InternalError', afterEffect: true }, () =>
    connect(context, accounts.allowed),
  );
}

/** Causes drift that only a sweep finds: deleted connections, one before its accept, and a wrong set of counted endpoints. */
export async function runSweeps(context: ServiceContext) {
  const { linkgate, serviceId } = context;
  await context.linkgate.assume({ notifications: false });
  await linkgate.json('mode', 'observe');
  const deletedAccepted = await connect(context, accounts.allowed);
  const deletedPending = await connect(context, accounts.unknown);
  await runFullSweep(context);
  await disconnect(context, accounts.allowed, deletedAccepted);
  await disconnect(context, accounts.unknown, deletedPending);
  const quotaSortKey = `${serviceId}#${accounts.limited}`;
  await withTable(context, (client) =>
    client.updateItem({
      TableName: tableName,
      Key: { pk: { S: `ENDPOINT_QUOTA#${provider}/us-east-1` }, sk: { S: quotaSortKey } },
      ConditionExpression: 'attribute_exists(pk)',
      UpdateExpression: 'SET endpointIds = list_append(endpointIds, :more)',
      ExpressionAttributeValues: { ':more': { L: [{ S: 'vpce-00000000000000000' }] } },
    }),
  );
  for (const _ of ['missing', 'deleted']) await runFullSweep(context);
  await linkgate.json('mode', 'enforce');
  await context.linkgate.assume({ notifications: true });
  await linkgate.json('sweep', 'connections');
}

/** Sends an unparseable message to the apply queue. */
export async function sendUnparseable(stage: ServiceContext) {
  await withQueues(stage, (client) =>
    client.sendMessage({
      QueueUrl: `${stage.linkgate.url}/${provider}/linkgate-local-apply-verdicts.fifo`,
      MessageBody: 'garbage',
      MessageGroupId: 'garbage',
      MessageDeduplicationId: 'garbage',
    }),
  );
  await stage.linkgate.idle();
}

export async function switchModes(context: ServiceContext) {
  const { linkgate } = context;
  await linkgate.json('mode', 'observe', '--reason', 'a trial');
  await connect(context, accounts.allowed);
  await linkgate.json('mode', 'enforce');
  await linkgate.idle();
  const night = ['--slack-channel', 'C01OPS', '--slack-user', 'T01LOCAL:U01ALICE'];
  await linkgate.json('approvers', 'set', 'night', ...night);
}

/** Runs all commands that only read. */
export async function runReadCommands({ linkgate, serviceId }: ServiceContext) {
  for (const command of [
    ['allowlist'],
    ['approvers', 'list'],
    ['audit', 'verify'],
    ['connections'],
    ['doctor'],
    ['mode'],
    ['service', 'list', '--unregistered'],
    ['service', 'show', serviceId],
  ])
    await linkgate.linkgate(...command, '--json');
}
