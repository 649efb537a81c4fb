import { accounts, createEndpoint, createService, provider } from '../sandbox.ts';
import { connect, type ScenarioContext, type ServiceContext, withFault } from './harness.ts';

/** Registers and deregisters services, and repairs the drift of one that stays. */
export async function runServices({ linkgate }: ScenarioContext): Promise<string> {
  const busy = await createService(linkgate, false);
  await createEndpoint(linkgate, accounts.unknown, busy);
  await linkgate.idle();
  await linkgate.json('service', 'add', busy);
  await linkgate.idle();
  await linkgate.json('service', 'remove', busy);

  const ec2 = linkgate.ec2(provider);
  const passing = await createService(linkgate);
  await linkgate.json('service', 'add', passing);
  await ec2.deleteTags({ Resources: [passing], Tags: [{ Key: 'linkgate' }] });
  await linkgate.json('service', 'remove', passing);

  const serviceId = await createService(linkgate);
  await linkgate.json('service', 'add', serviceId, '--name', 'payments');
  const notification = async () => {
    const filter = { Filters: [{ Name: 'service-id', Values: [serviceId] }] };
    const { ConnectionNotificationSet } = await ec2.describeVpcEndpointConnectionNotifications(filter);
    return ConnectionNotificationSet?.[0]?.ConnectionNotificationId ?? '';
  };
  const ConnectionNotificationId = await notification();
  await ec2.modifyVpcEndpointConnectionNotification({
    ConnectionNotificationId,
    ConnectionEvents: ['Delete'],
  });
  await linkgate.json('service', 'add', serviceId);
  await linkgate.idle();
  // CloudTrail's record names no service, so linkgate checks all services.
  await ec2.deleteVpcEndpointConnectionNotifications({
    ConnectionNotificationIds: [await notification()],
  });
  await ec2.deleteTags({ Resources: [serviceId], Tags: [{ Key: 'linkgate' }] });
  await linkgate.idle();
  await linkgate.json('service', 'add', serviceId);
  await linkgate.json('pause', serviceId);
  await linkgate.json('resume', serviceId);
  return serviceId;
}

/** Lets linkgate manage the allowed principals, and ends that. */
export async function runPrincipals({ linkgate, serviceId }: ServiceContext) {
  for (const options of [['managed', '--yes'], ['observed']]) {
    await linkgate.json('service', 'add', serviceId, '--principals', ...options);
    await linkgate.idle();
  }
}

/** Approves a pending accept at a deregistered service before linkgate handles the deregistration. */
export async function decideAfterDeregistration(context: ServiceContext) {
  const { linkgate, serviceId } = context;
  await linkgate.json('mode', 'observe');
  const pendingAccept = await connect(context, accounts.allowed);
  const noEvents = { service: 'events', action: 'PutEvents', rate: 1, error: 'InternalFailure' };
  await withFault(context, noEvents, async () => {
    await linkgate.json('service', 'remove', serviceId);
    await linkgate.linkgate('approve', pendingAccept);
  });
}
