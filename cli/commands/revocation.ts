import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/parse-expiry.ts';
import { type Connection, Explanation, Revocation } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import { resolveExpiresAt } from '../expiry.ts';
import { shortActor, time } from '../output.ts';
import { isConnected, readConnections } from '../read-connections.ts';
import type { Session } from '../session.ts';

const RevocationResponse = v.looseObject({ revocation: Revocation });

interface RevokeOptions {
  readonly account?: string;
  readonly service?: string;
  readonly reason?: string;
  readonly now?: true;
  readonly customerMessage?: string;
  readonly yes?: true;
}

interface ExtendOptions {
  readonly until: Expiry;
  readonly reason: string;
}

export async function revokeConnections(
  session: Session,
  endpointId: string | undefined,
  options: RevokeOptions,
) {
  const { account, service } = options;
  if ((endpointId === undefined) === (account === undefined) || (service && !account))
    throw new CommandError('usageError', 'name an endpoint, or an account: linkgate revoke --account …');
  const endpointIds = endpointId === undefined ? await confirmAccount(options, session) : [endpointId];
  await revokeEach(endpointIds, options, session);
}

/** Lists the connected endpoints of an account, and asks before linkgate disconnects them. */
async function confirmAccount(
  { account, service, now, yes }: RevokeOptions,
  session: Session,
): Promise<string[]> {
  const connected = (await readConnections({ account, service }, session)).filter(isConnected);
  if (connected.length === 0) return [];
  session.progress.report('');
  const disconnectTime = now ? 'now' : 'after its grace period';
  const extended = await listExtensions(connected, session);
  const extensionNotice =
    extended.length > 0 ? `These are no longer extended:\n${extended.join('\n')}\n` : '';
  const question = `This disconnects ${disconnectTime}:\n${formatEndpoints(connected)}\n${extensionNotice}Disconnect ${pluralize(connected.length)}?`;
  await confirm(question, { yes }, session);
  return connected.map(({ endpointId }) => endpointId);
}

/** Formats a line for each extended disconnect, with its new time, its author and its reason. */
async function listExtensions(connected: readonly Connection[], { api }: Session): Promise<string[]> {
  const extended: string[] = [];
  for (const { endpointId, disconnectAt } of connected) {
    if (!disconnectAt) continue;
    const { history } = await api.call('GET', ['connections', endpointId], Explanation);
    const extension = history.findLast(
      (step) => step.action === 'extended' && step.disconnectAt === disconnectAt,
    );
    if (extension)
      extended.push(
        `  ${endpointId}, extended until ${time(disconnectAt)} by ${shortActor(extension.actor)}${extension.reason ? `: ${extension.reason}` : ''}`,
      );
  }
  return extended;
}

async function revokeEach(
  endpointIds: readonly string[],
  { reason, now, customerMessage }: RevokeOptions,
  { api, output, progress }: Session,
): Promise<void> {
  const body = { reason, now, customerMessage };
  const revocations: Revocation[] = [];
  const failed: string[] = [];
  for (const endpointId of endpointIds) {
    progress.report(`${revocations.length} of ${endpointIds.length} are revoked`);
    const path = ['connections', endpointId, 'revocation'];
    try {
      revocations.push((await api.call('POST', path, RevocationResponse, { body })).revocation);
    } catch (error) {
      // A connection that has ended does not stop the other revocations.
      if (!(error instanceof CommandError) || endpointIds.length === 1) throw error;
      failed.push(`${endpointId}: ${error.message}`);
    }
  }
  const text =
    revocations.length === 0
      ? 'there are no connections to disconnect'
      : revocations.map(formatRevocation).join('\n');
  output.result({ revocations }, text);
  if (failed.length > 0)
    throw new CommandError('failed', `${pluralize(failed.length)} not revoked:\n${failed.join('\n')}`);
}

export async function extendConnection(
  { api, output }: Session,
  endpointId: string,
  { until, reason }: ExtendOptions,
) {
  const body = { until: resolveExpiresAt(until, await api.now(), '--until'), reason };
  const path = ['connections', endpointId, 'extend'];
  const { revocation } = await api.call('POST', path, RevocationResponse, { body });
  output.result({ revocation }, formatRevocation(revocation));
}

function formatRevocation(revocation: Revocation): string {
  const { endpointId, verdict, since, disconnectAt, reason, extended } = revocation;
  const reasonLine = reason ? `\n  ${reason}` : '';
  if (verdict !== 'reject' || !disconnectAt) return `${endpointId} stays for now${reasonLine}`;
  if (since && disconnectAt <= since) return `${endpointId} disconnects now${reasonLine}`;
  const until =
    extended?.until === disconnectAt
      ? `is extended until ${time(disconnectAt)}, and disconnects then`
      : `disconnects at ${time(disconnectAt)}`;
  return `${endpointId} ${until}${reasonLine}\n  \`linkgate extend ${endpointId} --until 14d --reason "…"\` extends it; \`linkgate explain ${endpointId}\` shows the details`;
}
