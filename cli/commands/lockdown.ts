import * as v from 'valibot';
import { readAllPages } from '../api-client.ts';
import { type Connection, Entry, EntryPage, ModeView } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import { dryRun, formatImpact, Impact } from '../impact.ts';
import type { CommonOptions } from '../options.ts';
import type { Output } from '../output.ts';
import { isConnected, isWaiting, readConnections, waitUntilDisconnected } from '../read-connections.ts';
import type { Session } from '../session.ts';

const BlockResponse = v.looseObject({ entry: Entry, ...Impact.entries });

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
    const entries = await readAllPages(api, ['allowlist'], EntryPage, (page) => page.entries, {
      account: accountId,
    });
    const path = ['allowlist', '*', accountId];
    const owners = entries.find(({ serviceId }) => serviceId === '*')?.owners ?? undefined;
    const body = { effect: 'block', note: reason, owners };
    const impact = await api.call('PUT', path, Impact, { body, query: dryRun });
    progress.report('');
    await confirm(
      `This blocks account ${accountId} at every service.\n${formatImpact(impact)}\nLock it down?`,
      { yes },
      io,
    );
    const { entry, warnings } = await api.call('PUT', path, BlockResponse, { body });
    const after = await readConnectionsAfterBlock(accountId, wait, session);
    const outranked = entries.filter(({ serviceId, effect }) => serviceId !== '*' && effect === 'allow');
    const report = { accountId, entry, ...classifyConnections(impact, after), outranked };
    output.result(report, formatLockdown(report, output));
    output.warn(warnings?.filter((warning) => !/: disconnected now$/.test(warning)));
    if (report.left.length > 0)
      throw new CommandError(
        'failed',
        `${pluralize(report.left.length)} of account ${accountId} not disconnected yet: \`linkgate explain\` shows why, \`linkgate connections --account ${accountId}\` shows the progress`,
      );
  };
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

function classifyConnections({ disconnects, rejects }: Impact, after: readonly Connection[]) {
  const listRejected = (predicted: Impact['rejects']) =>
    after.filter(
      ({ state, endpointId }) =>
        state === 'rejected' && predicted?.some((each) => each.endpointId === endpointId),
    );
  return {
    disconnected: listRejected(disconnects),
    rejected: listRejected(rejects),
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
