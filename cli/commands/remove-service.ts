import * as v from 'valibot';
import { type Service, ServiceResponse } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import { formatImpact, Impact } from '../impact.ts';
import { isConnectedOrWaiting, waitUntilDisconnected } from '../read-connections.ts';
import type { Session } from '../session.ts';

/** `service` is absent if an earlier try removed it. */
const RemovalResponse = v.partial(ServiceResponse);

interface RemoveOptions {
  readonly disconnect?: true;
  readonly yes?: true | undefined;
  readonly wait: number;
}

export async function removeService(session: Session, nameOrId: string, options: RemoveOptions) {
  if (options.disconnect) await disconnectAll(nameOrId, options, session);
  const { service } = await session.api.call('DELETE', ['services', nameOrId], RemovalResponse);
  const removedService = service ? `${service.name} (${service.serviceId})` : nameOrId;
  const next = options.disconnect && service ? `\n\n${formatDeletionCommands(service)}` : '';
  session.output.result({ service }, `${removedService} is removed from linkgate${next}`);
}

/** Rejects all connections of the service, and waits until EC2 shows it. It can run again after an interruption or a timeout. */
async function disconnectAll(
  nameOrId: string,
  { yes, wait }: RemoveOptions,
  session: Session,
): Promise<void> {
  const path = ['services', nameOrId, 'disconnect'];
  const impact = await session.api.call('POST', path, Impact, { isDryRun: true });
  await confirm(formatRemovalQuestion(nameOrId, impact), { yes }, session);
  await session.api.call('POST', path, ServiceResponse);
  const connections = await waitUntilDisconnected({ service: nameOrId }, wait, session);
  const remaining = connections.filter(isConnectedOrWaiting);
  if (remaining.length > 0)
    throw new CommandError(
      'failed',
      `EC2 still shows ${pluralize(remaining.length)} connected or waiting, so that ${nameOrId} stays registered:\n${formatEndpoints(remaining)}\n\`linkgate explain\` shows why; run this again to continue, or \`linkgate service add\` to cancel`,
    );
}

function formatRemovalQuestion(nameOrId: string, impact: Impact): string {
  const { disconnects, rejects } = impact;
  return `${formatImpact(impact)}\nDisconnect ${pluralize(disconnects?.length ?? 0)}, reject ${pluralize(rejects?.length ?? 0, 'request')} and remove ${nameOrId} from linkgate?`;
}

/** Formats the AWS CLI commands that delete a service, because linkgate deletes none. */
function formatDeletionCommands({ serviceId, region }: Service): string {
  const regionOption = region ? ` --region ${region}` : '';
  return `To delete it in EC2 as well:
  aws ec2 delete-vpc-endpoint-service-configurations${regionOption} --service-ids ${serviceId}
Where EC2 answers ExistingVpcEndpointConnections, somebody has connected since, or it has yet to notice the rejections. Rejected
connections do not hinder it; those that are available or pendingAcceptance do:
  aws ec2 describe-vpc-endpoint-connections${regionOption} --filters Name=service-id,Values=${serviceId}`;
}
