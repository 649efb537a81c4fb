import * as v from 'valibot';
import type { Expiry } from '../../lib/allowlist/parse-expiry.ts';
import { type Connection, Explanation, Revocation, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { connectionsOf, isConnected, namesOf, plural } from '../connections.ts';
import { expiresAt } from '../expiry.ts';
import type { HandlerDeps } from '../handler.ts';
import type { CommonOptions } from '../options.ts';
import { shortActor, time } from '../output.ts';
import type { Io } from '../process-io.ts';
import type { Session } from '../session.ts';

const Answer = v.looseObject({ revocation: Revocation, warnings: Warnings });
type Answer = v.InferOutput<typeof Answer>;

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

/** Lists the connected endpoints of an account, and asks before they are disconnected. */
async function confirmAccount(
  whose: { readonly account: string | undefined; readonly service: string | undefined },
  { now, yes }: Pick<RevokeOptions, 'now' | 'yes'>,
  session: Session,
  io: Io,
): Promise<string[]> {
  const connected = (await connectionsOf(whose, session)).filter(isConnected);
  if (connected.length === 0) return [];
  session.progress.doing('');
  const when = now ? 'now' : 'after its grace period';
  const extended = await extendedAmong(connected, session);
  const overridden = extended.length > 0 ? `These are no longer extended:\n${extended.join('\n')}\n` : '';
  const question = `This disconnects ${when}:\n${namesOf(connected)}\n${overridden}Disconnect ${plural(connected.length)}?`;
  await confirm(question, { yes }, io);
  return connected.map(({ endpointId }) => endpointId);
}

/** A line for each connection with an extended disconnect: until when, by whom and why. */
async function extendedAmong(connected: readonly Connection[], { api }: Session): Promise<string[]> {
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
  const answers: Answer[] = [];
  const failed: string[] = [];
  for (const endpointId of endpointIds) {
    progress.doing(`${answers.length} of ${endpointIds.length} are revoked`);
    const path = ['connections', endpointId, 'revocation'];
    try {
      answers.push(await api.call('POST', path, Answer, { body }));
    } catch (error) {
      // A connection that ended meanwhile stops no other revocation.
      if (!(error instanceof CommandError) || endpointIds.length === 1) throw error;
      failed.push(`${endpointId}: ${error.message}`);
    }
  }
  const revocations = answers.map(({ revocation }) => revocation);
  const text =
    revocations.length === 0
      ? 'there are no connections to disconnect'
      : revocations.map(formatRevocation).join('\n');
  output.result({ revocations }, text);
  output.warn([...new Set(answers.flatMap(({ warnings }) => warnings ?? []))]);
  if (failed.length > 0)
    throw new CommandError('failed', `${plural(failed.length)} not revoked:\n${failed.join('\n')}`);
}

export function extendConnection({ open }: HandlerDeps) {
  return async (endpointId: string, { until, reason, ...common }: ExtendOptions) => {
    const { api, output } = await open(common);
    const body = { until: expiresAt(until, await api.now(), '--until'), reason };
    const answer = await api.call('POST', ['connections', endpointId, 'extend'], Answer, { body });
    output.result({ revocation: answer.revocation }, formatRevocation(answer.revocation));
    output.warn(answer.warnings);
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
  const why = reason ? `\n  ${reason}` : '';
  if (verdict !== 'reject' || !disconnectAt) return `${endpointId} stays for now${why}`;
  if (since && disconnectAt <= since) return `${endpointId} disconnects now${why}`;
  const until =
    extended?.until === disconnectAt
      ? `is extended until ${time(disconnectAt)}, and disconnects then`
      : `disconnects at ${time(disconnectAt)}`;
  return `${endpointId} ${until}${why}\n  \`linkgate extend ${endpointId} --until 14d --reason "…"\` extends it; \`linkgate explain ${endpointId}\` shows the details`;
}
