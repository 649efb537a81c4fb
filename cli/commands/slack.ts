import { SlackConnection, SlackManifest } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { safeJson } from '../control-characters.ts';
import { keyValues, type Output } from '../output.ts';
import type { Io } from '../process-io.ts';
import type { Session } from '../session.ts';

export async function printManifest({ api, output }: Session) {
  const { manifest } = await api.call('GET', ['slack', 'manifest'], SlackManifest);
  output.result(manifest, safeJson(manifest, 2));
}

export async function connectSlack(
  { api, output, io }: Session,
  { forgetPrevious }: { readonly forgetPrevious?: true },
) {
  const secrets = await readSecrets(io);
  const isStored = Object.keys(secrets).length > 0;
  if (!isStored && !forgetPrevious) throw noSecretError;
  const body = { ...secrets, ...(forgetPrevious && { forgetPrevious }) };
  const { warnings: _warnings, ...connection } = await api.call('PUT', ['slack'], SlackConnection, { body });
  output.result(connection, formatSlackConnection(connection, isStored, output));
}

interface Secrets {
  readonly signingSecret?: string;
  readonly botToken?: string;
}

const questions = ['signing secret (empty: as it is): ', 'bot token, xoxb-… (empty: as it is): '];

/** Distinguishes the two secrets by the prefix, which only tokens have. */
async function readSecrets({ stdin, stderr }: Io): Promise<Secrets> {
  const pendingQuestions = stdin?.isTTY ? [...questions] : [];
  const ask = () => stderr.write(pendingQuestions.shift() ?? '');
  let secrets: Secrets = {};
  ask();
  for await (const line of stdin?.lines() ?? []) {
    secrets = { ...secrets, ...parseSecret(line.trim(), secrets) };
    if (stdin?.isTTY) stderr.write('\n');
    if (stdin?.isTTY && pendingQuestions.length === 0) break;
    ask();
  }
  return secrets;
}

const noSecretError = new CommandError(
  'usageError',
  'nothing was given: put in the signing secret, the bot token or both, a line for each; see `linkgate slack connect --help`',
);

function parseSecret(line: string, secrets: Secrets): Secrets {
  if (line === '') return {};
  const name = line.startsWith('xox') ? 'botToken' : 'signingSecret';
  if (secrets[name] !== undefined)
    throw new CommandError(
      'usageError',
      `two lines look like the ${name === 'botToken' ? 'bot token' : 'signing secret'}: give one line for each`,
    );
  return { [name]: line };
}

function formatSlackConnection(
  { team, bot, scopes }: SlackConnection,
  isStored: boolean,
  output: Output,
): string {
  if (!isStored) return 'what was current before is forgotten, everywhere within five minutes';
  const details = keyValues(
    [
      ['workspace', team],
      ['bot user', bot],
      ['scopes', scopes?.join(', ')],
    ],
    output,
  );
  return `${details === '' ? '' : `${details}\n\n`}it is stored. Next, where that is not done yet: invite the app into its channel with /invite, and name channel\nand people with \`linkgate approvers set\`. \`linkgate doctor\` looks whether all is in order. A signing secret nobody\ncan check but by trying: type \`/linkgate help\` in Slack, and see that linkgate answers`;
}
