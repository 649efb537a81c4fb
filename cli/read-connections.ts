import { Connection } from './api-views.ts';
import { pluralize } from './connection-text.ts';
import type { Session } from './session.ts';

/** Selects connections by account, by service or by both. */
type ConnectionSelector = Readonly<Partial<Record<'account' | 'service', string | undefined>>>;

/** Reads all connections as EC2 shows them now. */
export function readConnections(
  selector: ConnectionSelector,
  { api }: Session,
): Promise<readonly Connection[]> {
  return api.list(['connections'], 'connections', Connection, selector);
}

export function isConnected({ state }: Connection): boolean {
  return state === 'available' || state === 'pending';
}

export function isConnectedOrWaiting(connection: Connection): boolean {
  return isConnected(connection) || connection.state === 'pendingAcceptance';
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
    const remaining = connections.filter(isConnectedOrWaiting);
    if (remaining.length === 0 || poll >= maxPolls) return connections;
    session.progress.report(`${pluralize(remaining.length)} still connected or waiting in EC2`);
    await session.io.clock.sleep(pollIntervalMs);
  }
}
