import { readAllPages } from './api-client.ts';
import { type Connection, ConnectionPage } from './api-views.ts';
import { pluralize } from './connection-text.ts';
import type { Session } from './session.ts';

/** Selects connections by account, by service or by both. */
interface ConnectionSelector {
  readonly account?: string | undefined;
  readonly service?: string | undefined;
}

/** Reads all connections as EC2 shows them now. */
export function readConnections(
  { account, service }: ConnectionSelector,
  { api }: Session,
): Promise<readonly Connection[]> {
  const query = { account, service };
  return readAllPages(api, ['connections'], ConnectionPage, (page) => page.connections, query);
}

export function isConnected({ state }: Connection): boolean {
  return state === 'available' || state === 'pending';
}

export function isWaiting({ state }: Connection): boolean {
  return state === 'pendingAcceptance';
}

const pollIntervalMs = 2_000;

/**
 * Polls until EC2 shows none of the connections connected or pending acceptance, or until the timeout.
 * @returns the connections of the last read
 */
export async function waitUntilDisconnected(
  selector: ConnectionSelector,
  minutes: number,
  session: Session,
): Promise<readonly Connection[]> {
  const maxPolls = Math.ceil((minutes * 60_000) / pollIntervalMs);
  for (let poll = 1; ; poll += 1) {
    const connections = await readConnections(selector, session);
    const remaining = connections.filter((each) => isConnected(each) || isWaiting(each));
    if (remaining.length === 0 || poll >= maxPolls) return connections;
    session.progress.report(`${pluralize(remaining.length)} still connected or waiting in EC2`);
    await session.clock.sleep(pollIntervalMs);
  }
}
