import * as v from 'valibot';
import { everyPage } from '../api-client.ts';
import { type Connection, Entry, EntryPage, ModeView, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { connectionsOf, isConnected, isWaiting, namesOf, plural, untilDisconnected } from '../connections.ts';
import type { HandlerDeps } from '../handler.ts';
import type { CommonOptions } from '../options.ts';
import type { Output } from '../output.ts';
import type { Session } from '../session.ts';

const Answer = v.looseObject({ entry: Entry, warnings: Warnings });

interface LockdownOptions extends CommonOptions {
  readonly reason?: string;
  readonly yes?: true;
  readonly wait: number;
}

/** The result of a lockdown, as EC2 shows it. */
interface Report {
  readonly accountId: string;
  readonly entry: Entry;
  readonly disconnected: readonly Connection[];
  readonly rejected: readonly Connection[];
  /** Still connected or waiting in EC2. */
  readonly left: readonly Connection[];
  /** Entries that still allow the account. The block outranks them. */
  readonly outranked: readonly Entry[];
}

export function lockDownAccount({ open, io }: HandlerDeps) {
  return async (accountId: string, { reason, yes, wait, ...common }: LockdownOptions) => {
    const session = await open(common);
    const { api, output, progress } = session;
    const before = await connectionsOf({ account: accountId }, session);
    const entries = await everyPage(api, ['allowlist'], EntryPage, (page) => page.entries, {
      account: accountId,
    });
    progress.doing('');
    await confirm(questionOf(accountId, before), { yes }, io);
    const { entry, warnings } = await api.call('PUT', ['allowlist', '*', accountId], Answer, {
      body: {
        effect: 'block',
        note: reason,
        owners: entries.find(({ serviceId }) => serviceId === '*')?.owners ?? undefined,
      },
    });
    const after = await afterwards(accountId, wait, session);
    const outranked = entries.filter(({ serviceId, effect }) => serviceId !== '*' && effect === 'allow');
    const report = { accountId, entry, ...sorted(before, after), outranked };
    output.result(report, formatLockdown(report, output));
    output.warn(warnings?.filter((warning) => !/: disconnected now$/.test(warning)));
    if (report.left.length > 0)
      throw new CommandError(
        'failed',
        `${plural(report.left.length)} of account ${accountId} not disconnected yet: \`linkgate explain\` shows why, \`linkgate connections --account ${accountId}\` shows the progress`,
      );
  };
}

function questionOf(accountId: string, connections: readonly Connection[]): string {
  const [connected, waiting] = [connections.filter(isConnected), connections.filter(isWaiting)];
  return [
    `This blocks account ${accountId} at every service.`,
    ...(connected.length > 0
      ? [`It disconnects now:\n${namesOf(connected)}`]
      : ['It has no connections to disconnect.']),
    ...(waiting.length > 0 ? [`It rejects:\n${namesOf(waiting)}`] : []),
    'Lock it down?',
  ].join('\n');
}

/** Waits until EC2 shows the disconnects. Mode `observe` disconnects nothing: it reads the connections once. */
async function afterwards(account: string, wait: number, session: Session): Promise<readonly Connection[]> {
  const { mode } = await session.api.call('GET', ['mode'], ModeView);
  return mode === 'observe'
    ? connectionsOf({ account }, session)
    : untilDisconnected({ account }, wait, session);
}

/** A request that arrived between the two reads counts as rejected, too. */
function sorted(before: readonly Connection[], after: readonly Connection[]) {
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
  { accountId, disconnected, rejected, left, outranked }: Report,
  { paint }: Output,
): string {
  const part = (title: string, connections: readonly Connection[]) =>
    connections.length > 0 ? [`\n${title}\n${namesOf(connections)}`] : [];
  return [
    `account ${accountId} is blocked at every service`,
    ...part(`EC2 shows ${plural(disconnected.length)} disconnected:`, disconnected),
    ...part(`EC2 shows ${plural(rejected.length, 'request')} rejected:`, rejected),
    ...part(paint('red', `EC2 still shows ${plural(left.length)} connected or waiting:`), left),
    ...(outranked.length > 0
      ? [
          `\nStill allowed, which the block outranks: ${outranked.map(({ service, serviceId }) => service ?? serviceId).join(', ')}`,
        ]
      : []),
  ].join('\n');
}
