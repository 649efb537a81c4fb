import { everyPage } from './api-client.ts';
import { type Connection, ConnectionPage } from './api-views.ts';
import { serviceLabel } from './output.ts';
import type { Session } from './session.ts';

/** Selects connections by account, by service or by both. */
interface Whose {
  readonly account?: string | undefined;
  readonly service?: string | undefined;
}

/** All connections as EC2 shows them now. */
export function connectionsOf({ account, service }: Whose, { api }: Session): Promise<readonly Connection[]> {
  const query = { account, service };
  return everyPage(api, ['connections'], ConnectionPage, (page) => page.connections, query);
}

export function isConnected({ state }: Connection): boolean {
  return state === 'available' || state === 'pending';
}

export function isWaiting({ state }: Connection): boolean {
  return state === 'pendingAcceptance';
}

/** A line for each service, with its endpoints. */
export function namesOf(
  connections: readonly Pick<Connection, 'endpointId' | 'service' | 'serviceId'>[],
): string {
  return [...Map.groupBy(connections, ({ serviceId }) => serviceId).values()]
    .map((ofService) => {
      const ids = ofService.map(({ endpointId }) => endpointId).join(', ');
      return `  ${ofService[0] ? serviceLabel(ofService[0]) : ''}: ${ids}`;
    })
    .join('\n');
}

/** `1 connection`, `20 connections` */
export function plural(count: number, what = 'connection'): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

const lookEveryMs = 2_000;

/**
 * Polls until EC2 shows none of the connections connected or waiting, or the time is over.
 * @returns the connections of the last read
 */
export async function untilDisconnected(
  whose: Whose,
  minutes: number,
  session: Session,
): Promise<readonly Connection[]> {
  const looks = Math.ceil((minutes * 60_000) / lookEveryMs);
  for (let look = 1; ; look += 1) {
    const connections = await connectionsOf(whose, session);
    const left = connections.filter((each) => isConnected(each) || isWaiting(each));
    if (left.length === 0 || look >= looks) return connections;
    session.progress.doing(`${plural(left.length)} still connected or waiting in EC2`);
    await session.clock.sleep(lookEveryMs);
  }
}
