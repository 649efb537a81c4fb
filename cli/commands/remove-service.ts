import * as v from 'valibot';
import { Service, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import { dryRun, formatImpact, Impact } from '../impact.ts';
import type { CommonOptions } from '../options.ts';
import type { Io } from '../process-io.ts';
import { isConnected, isWaiting, waitUntilDisconnected } from '../read-connections.ts';
import type { Session } from '../session.ts';

const DisconnectResponse = v.looseObject({ service: Service, ...Impact.entries });
/** `service` is absent if an earlier try removed it. */
const RemovalResponse = v.looseObject({ service: v.optional(Service), warnings: Warnings });

interface RemoveOptions extends CommonOptions {
  readonly disconnect?: true;
  readonly yes?: true | undefined;
  readonly wait: number;
}

export function removeService({ open, io }: HandlerDeps) {
  return async (nameOrId: string, { disconnect: disconnectFirst, yes, wait, ...common }: RemoveOptions) => {
    const session = await open(common);
    const { api, output } = session;
    if (disconnectFirst) await disconnectAll(nameOrId, { yes, wait }, session, io);
    const { service, warnings } = await api.call('DELETE', ['services', nameOrId], RemovalResponse);
    const removedService = service ? `${service.name} (${service.serviceId})` : nameOrId;
    const next = disconnectFirst && service ? `\n\n${formatDeletionCommands(service)}` : '';
    output.result({ service }, `${removedService} is removed from linkgate${next}`);
    output.warn(warnings);
  };
}

/** Rejects all connections of the service, and waits until EC2 shows it. It can run again after an interruption or a timeout. */
async function disconnectAll(
  nameOrId: string,
  { yes, wait }: Pick<RemoveOptions, 'yes' | 'wait'>,
  session: Session,
  io: Io,
): Promise<void> {
  const { api, progress } = session;
  const path = ['services', nameOrId, 'disconnect'];
  const impact = await api.call('POST', path, DisconnectResponse, { query: dryRun });
  progress.report('');
  await confirm(formatRemovalQuestion(nameOrId, impact), { yes }, io);
  await api.call('POST', path, DisconnectResponse);
  const remaining = (await waitUntilDisconnected({ service: nameOrId }, wait, session)).filter(
    (each) => isConnected(each) || isWaiting(each),
  );
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
