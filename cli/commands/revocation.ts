import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/parse-expiry.ts';
import { type Connection, Explanation, Revocation, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { formatEndpoints, pluralize } from '../connection-text.ts';
import { resolveExpiresAt } from '../expiry.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { shortActor, time } from '../output.ts';
import type { Io } from '../process-io.ts';
import { isConnected, readConnections } from '../read-connections.ts';
import type { Session } from '../session.ts';

const RevocationResponse = v.looseObject({ revocation: Revocation, warnings: Warnings });
type RevocationResponse = v.InferOutput<typeof RevocationResponse>;

interface RevokeOptions extends CommonOptions {
  readonly account?: string;
  readonly service?: string;
  readonly reason?: string | undefined;
  readonly now?: true | undefined;
  readonly customerMessage?: string | undefined;
  readonly yes?: true | undefined;
}

interface ExtendOptions extends CommonOptions {
  readonly until: Expiry;
  readonly reason: string;
}

export function revokeConnections({ open, io }: HandlerDeps) {
  return async (endpointId: string | undefined, options: RevokeOptions) => {
    const { account, service, reason, now, customerMessage, yes, ...common } = options;
    if ((endpointId === undefined) === (account === undefined) || (service && !account))
      throw new CommandError('usageError', 'name an endpoint, or an account: linkgate revoke --account …');
    const session = await open(common);
    const endpointIds =
      endpointId === undefined
        ? await confirmAccount({ account, service }, { now, yes }, session, io)
        : [endpointId];
    await revokeEach(endpointIds, { reason, now, customerMessage }, session);
  };
}

/** Lists the connected endpoints of an account, and asks before linkgate disconnects them. */
async function confirmAccount(
  selector: { readonly account: string | undefined; readonly service: string | undefined },
  { now, yes }: Pick<RevokeOptions, 'now' | 'yes'>,
  session: Session,
  io: Io,
): Promise<string[]> {
  const connected = (await readConnections(selector, session)).filter(isConnected);
  if (connected.length === 0) return [];
  session.progress.report('');
  const disconnectTime = now ? 'now' : 'after its grace period';
  const extended = await listExtensions(connected, session);
  const extensionNotice =
    extended.length > 0 ? `These are no longer extended:\n${extended.join('\n')}\n` : '';
  const question = `This disconnects ${disconnectTime}:\n${formatEndpoints(connected)}\n${extensionNotice}Disconnect ${pluralize(connected.length)}?`;
  await confirm(question, { yes }, io);
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
  body: Pick<RevokeOptions, 'reason' | 'now' | 'customerMessage'>,
  { api, output, progress }: Session,
): Promise<void> {
  const responses: RevocationResponse[] = [];
  const failed: string[] = [];
  for (const endpointId of endpointIds) {
    progress.report(`${responses.length} of ${endpointIds.length} are revoked`);
    const path = ['connections', endpointId, 'revocation'];
    try {
      responses.push(await api.call('POST', path, RevocationResponse, { body }));
    } catch (error) {
      // A connection that has ended does not stop the other revocations.
      if (!(error instanceof CommandError) || endpointIds.length === 1) throw error;
      failed.push(`${endpointId}: ${error.message}`);
    }
  }
  const revocations = responses.map(({ revocation }) => revocation);
  const text =
    revocations.length === 0
      ? 'there are no connections to disconnect'
      : revocations.map(formatRevocation).join('\n');
  output.result({ revocations }, text);
  output.warn([...new Set(responses.flatMap(({ warnings }) => warnings ?? []))]);
  if (failed.length > 0)
    throw new CommandError('failed', `${pluralize(failed.length)} not revoked:\n${failed.join('\n')}`);
}

export function extendConnection({ open }: HandlerDeps) {
  return async (endpointId: string, { until, reason, ...common }: ExtendOptions) => {
    const { api, output } = await open(common);
    const body = { until: resolveExpiresAt(until, await api.now(), '--until'), reason };
    const response = await api.call('POST', ['connections', endpointId, 'extend'], RevocationResponse, {
      body,
    });
    output.result({ revocation: response.revocation }, formatRevocation(response.revocation));
    output.warn(response.warnings);
  };
}

function formatRevocation({
  endpointId,
  verdict,
  since,
  disconnectAt,
  reason,
  extended,
}: Revocation): string {
  const reasonLine = reason ? `\n  ${reason}` : '';
  if (verdict !== 'reject' || !disconnectAt) return `${endpointId} stays for now${reasonLine}`;
  if (since && disconnectAt <= since) return `${endpointId} disconnects now${reasonLine}`;
  const until =
    extended?.until === disconnectAt
      ? `is extended until ${time(disconnectAt)}, and disconnects then`
      : `disconnects at ${time(disconnectAt)}`;
  return `${endpointId} ${until}${reasonLine}\n  \`linkgate extend ${endpointId} --until 14d --reason "…"\` extends it; \`linkgate explain ${endpointId}\` shows the details`;
}
