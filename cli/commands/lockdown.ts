import * as v from 'valibot';
import { type Connection, Entry, ModeView } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import { formatImpact, Impact } from '../impact.ts';
import type { Output } from '../output.ts';
import { isConnectedOrWaiting, readConnections, waitUntilDisconnected } from '../read-connections.ts';
import type { Session } from '../session.ts';

const BlockResponse = v.looseObject({ entry: Entry, ...Impact.entries });

interface LockdownOptions {
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

export async function lockDownAccount(
  session: Session,
  accountId: string,
  { reason, yes, wait }: LockdownOptions,
) {
  const { api, output } = session;
  const entries = await api.list(['allowlist'], 'entries', Entry, { account: accountId });
  const path = ['allowlist', '*', accountId];
  const owners = entries.find(({ serviceId }) => serviceId === '*')?.owners ?? undefined;
  const body = { effect: 'block', note: reason, owners };
  const impact = await api.call('PUT', path, Impact, { body, isDryRun: true });
  const question = `This blocks account ${accountId} at every service.\n${formatImpact(impact)}\nLock it down?`;
  await confirm(question, { yes }, session);
  // The report lists the disconnected endpoints.
  const hiddenWarnings = /: disconnected now$/;
  const { entry } = await api.call('PUT', path, BlockResponse, { body, hiddenWarnings });
  const after = await readConnectionsAfterBlock(accountId, wait, session);
  const outranked = entries.filter(({ serviceId, effect }) => serviceId !== '*' && effect === 'allow');
  const report = { accountId, entry, ...classifyConnections(impact, after), outranked };
  output.result(report, formatLockdown(report, output));
  if (report.left.length > 0)
    throw new CommandError(
      'failed',
      `${pluralize(report.left.length)} of account ${accountId} not disconnected yet: \`linkgate explain\` shows why, \`linkgate connections --account ${accountId}\` shows the progress`,
    );
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
    left: after.filter(isConnectedOrWaiting),
  };
}

function formatLockdown(
  { accountId, disconnected, rejected, left, outranked }: LockdownReport,
  { paint }: Output,
): string {
  const sections = [
    { title: `EC2 shows ${pluralize(disconnected.length)} disconnected:`, connections: disconnected },
    { title: `EC2 shows ${pluralize(rejected.length, 'request')} rejected:`, connections: rejected },
    {
      title: paint('red', `EC2 still shows ${pluralize(left.length)} connected or waiting:`),
      connections: left,
    },
  ].filter(({ connections }) => connections.length > 0);
  const outrankedServices = outranked.map(({ service, serviceId }) => service ?? serviceId).join(', ');
  return [
    `account ${accountId} is blocked at every service`,
    ...sections.map(({ title, connections }) => `\n${title}\n${formatEndpoints(connections)}`),
    ...(outrankedServices ? [`\nStill allowed, which the block outranks: ${outrankedServices}`] : []),
  ].join('\n');
}
