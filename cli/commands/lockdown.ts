import * as v from 'valibot';
import { readAllPages } from '../api-client.ts';
import { type Connection, Entry, EntryPage, ModeView, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import type { Output } from '../output.ts';
import { isConnected, isWaiting, readConnections, waitUntilDisconnected } from '../read-connections.ts';
import type { Session } from '../session.ts';

const BlockResponse = v.looseObject({ entry: Entry, warnings: Warnings });

interface LockdownOptions extends CommonOptions {
  readonly reason?: string;
  readonly yes?: true;
  readonly wait: number;
}

/** The result of a lockdown, as EC2 shows it. */
interface LockdownReport {
  readonly accountId: string;
  readonly entry: Entry;
  readonly disconnected: readonly Connection[];
  readonly rejected: readonly Connection[];
  /** Connections that EC2 still shows connected or pending acceptance. */
  readonly left: readonly Connection[];
  /** Entries that still allow the account. The block has precedence. */
  readonly outranked: readonly Entry[];
}

export function lockDownAccount({ open, io }: HandlerDeps) {
  return async (accountId: string, { reason, yes, wait, ...common }: LockdownOptions) => {
    const session = await open(common);
    const { api, output, progress } = session;
    const before = await readConnections({ account: accountId }, session);
    const entries = await readAllPages(api, ['allowlist'], EntryPage, (page) => page.entries, {
      account: accountId,
    });
    progress.report('');
    await confirm(formatLockdownQuestion(accountId, before), { yes }, io);
    const { entry, warnings } = await api.call('PUT', ['allowlist', '*', accountId], BlockResponse, {
      body: {
        effect: 'block',
        note: reason,
        owners: entries.find(({ serviceId }) => serviceId === '*')?.owners ?? undefined,
      },
    });
    const after = await readConnectionsAfterBlock(accountId, wait, session);
    const outranked = entries.filter(({ serviceId, effect }) => serviceId !== '*' && effect === 'allow');
    const report = { accountId, entry, ...classifyConnections(before, after), outranked };
    output.result(report, formatLockdown(report, output));
    output.warn(warnings?.filter((warning) => !/: disconnected now$/.test(warning)));
    if (report.left.length > 0)
      throw new CommandError(
        'failed',
        `${pluralize(report.left.length)} of account ${accountId} not disconnected yet: \`linkgate explain\` shows why, \`linkgate connections --account ${accountId}\` shows the progress`,
      );
  };
}

function formatLockdownQuestion(accountId: string, connections: readonly Connection[]): string {
  const [connected, requests] = [connections.filter(isConnected), connections.filter(isWaiting)];
  return [
    `This blocks account ${accountId} at every service.`,
    ...(connected.length > 0
      ? [`It disconnects now:\n${formatEndpoints(connected)}`]
      : ['It has no connections to disconnect.']),
    ...(requests.length > 0 ? [`It rejects:\n${formatEndpoints(requests)}`] : []),
    'Lock it down?',
  ].join('\n');
}

/**
 * Waits until EC2 shows the disconnects. In mode `observe` linkgate disconnects nothing, so the command reads the connections
 * once.
 */
async function readConnectionsAfterBlock(
  account: string,
  wait: number,
  session: Session,
): Promise<readonly Connection[]> {
  const { mode } = await session.api.call('GET', ['mode'], ModeView);
  return mode === 'observe'
    ? readConnections({ account }, session)
    : waitUntilDisconnected({ account }, wait, session);
}

/** Also counts a request that arrived between the two reads as rejected. */
function classifyConnections(before: readonly Connection[], after: readonly Connection[]) {
  const wasConnected = new Set(before.filter(isConnected).map(({ endpointId }) => endpointId));
  const wasRejected = new Set(
    before.filter(({ state }) => state === 'rejected').map(({ endpointId }) => endpointId),
  );
  const rejected = after.filter(
    ({ state, endpointId }) => state === 'rejected' && !wasRejected.has(endpointId),
  );
  return {
    disconnected: rejected.filter(({ endpointId }) => wasConnected.has(endpointId)),
    rejected: rejected.filter(({ endpointId }) => !wasConnected.has(endpointId)),
    left: after.filter((each) => isConnected(each) || isWaiting(each)),
  };
}

function formatLockdown(
  { accountId, disconnected, rejected, left, outranked }: LockdownReport,
  { paint }: Output,
): string {
  const formatSection = (title: string, connections: readonly Connection[]) =>
    connections.length > 0 ? [`\n${title}\n${formatEndpoints(connections)}`] : [];
  return [
    `account ${accountId} is blocked at every service`,
    ...formatSection(`EC2 shows ${pluralize(disconnected.length)} disconnected:`, disconnected),
    ...formatSection(`EC2 shows ${pluralize(rejected.length, 'request')} rejected:`, rejected),
    ...formatSection(paint('red', `EC2 still shows ${pluralize(left.length)} connected or waiting:`), left),
    ...(outranked.length > 0
      ? [
          `\nStill allowed, which the block outranks: ${outranked.map(({ service, serviceId }) => service ?? serviceId).join(', ')}`,
        ]
      : []),
  ].join('\n');
}
