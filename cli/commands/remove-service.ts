import * as v from 'valibot';
import { type Connection, Service, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { connectionsOf, isConnected, isWaiting, namesOf, plural, untilDisconnected } from '../connections.ts';
import type { HandlerDeps } from '../handler.ts';
import type { CommonOptions } from '../options.ts';
import type { Io } from '../process-io.ts';
import type { Session } from '../session.ts';

const Answer = v.looseObject({ service: Service, warnings: Warnings });
/** `service` is absent if an earlier try removed it. */
const Removed = v.looseObject({ service: v.optional(Service), warnings: Warnings });

interface RemoveOptions extends CommonOptions {
  readonly disconnect?: true;
  readonly yes?: true | undefined;
  readonly wait: number;
}

export function removeService({ open, io }: HandlerDeps) {
  return async (named: string, { disconnect: disconnectFirst, yes, wait, ...common }: RemoveOptions) => {
    const session = await open(common);
    const { api, output } = session;
    if (disconnectFirst) await disconnectAll(named, { yes, wait }, session, io);
    const { service, warnings } = await api.call('DELETE', ['services', named], Removed);
    const which = service ? `${service.name} (${service.serviceId})` : named;
    const next = disconnectFirst && service ? `\n\n${howToDelete(service)}` : '';
    output.result({ service }, `${which} is removed from linkgate${next}`);
    output.warn(warnings);
  };
}

/** Rejects all connections of the service, and waits until EC2 shows it. It can run again after an interruption or a timeout. */
async function disconnectAll(
  named: string,
  { yes, wait }: Pick<RemoveOptions, 'yes' | 'wait'>,
  session: Session,
  io: Io,
): Promise<void> {
  const { api, progress } = session;
  const theirs = await connectionsOf({ service: named }, session);
  progress.doing('');
  await confirm(questionOf(named, theirs), { yes }, io);
  await api.call('POST', ['services', named, 'disconnect'], Answer);
  const left = (await untilDisconnected({ service: named }, wait, session)).filter(
    (each) => isConnected(each) || isWaiting(each),
  );
  if (left.length > 0)
    throw new CommandError(
      'failed',
      `EC2 still shows ${plural(left.length)} connected or waiting, so that ${named} stays registered:\n${namesOf(left)}\n\`linkgate explain\` shows why; run this again to continue, or \`linkgate service add\` to cancel`,
    );
}

function questionOf(named: string, connections: readonly Connection[]): string {
  const [connected, waiting] = [connections.filter(isConnected), connections.filter(isWaiting)];
  return [
    ...(connected.length > 0
      ? [`This disconnects now:\n${namesOf(connected)}`]
      : ['There are no connections to disconnect.']),
    ...(waiting.length > 0 ? [`It rejects:\n${namesOf(waiting)}`] : []),
    `Disconnect ${plural(connected.length)}, reject ${plural(waiting.length, 'request')} and remove ${named} from linkgate?`,
  ].join('\n');
}

/** The AWS CLI commands that delete a service: linkgate deletes none. */
function howToDelete({ serviceId, region }: Service): string {
  const where = region ? ` --region ${region}` : '';
  return `To delete it in EC2 as well:
  aws ec2 delete-vpc-endpoint-service-configurations${where} --service-ids ${serviceId}
Where EC2 answers ExistingVpcEndpointConnections, somebody has connected since, or it has yet to notice the rejections. Rejected
connections do not hinder it; those that are available or pendingAcceptance do:
  aws ec2 describe-vpc-endpoint-connections${where} --filters Name=service-id,Values=${serviceId}`;
}
