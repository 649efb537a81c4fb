import { type ApproverGroup, approverGroups } from '../approvers/approver-group.ts';
import { SlackError } from '../channels/slack/web-api.ts';
import { findThrottle } from '../notifications/throttle.ts';
import { appInfo, type ConnectSlackDeps, missingScopes, slackSecrets } from '../operations/connect-slack.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import { type Check, failed, ok, type Result, runChecks, warning } from './check.ts';
import type { Deployment } from './deployment.ts';
import { checkSecret } from './secret-check.ts';

export interface SlackCheckDeps extends ConnectSlackDeps, Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly deployment: Deployment;
}

const connect = 'linkgate slack connect';
const signingSecret = {
  name: slackSecrets.signingSecret,
  what: 'signing secret of the Slack app',
  remedy: connect,
};
const botToken = { name: slackSecrets.botToken, what: 'bot token of the Slack app', remedy: connect };

/** Whether Slack takes what linkgate sends, and linkgate what Slack does. */
export async function checkSlack(deps: SlackCheckDeps): Promise<Check[]> {
  let asked: readonly ApproverGroup[];
  try {
    asked = (await approverGroups(deps)).filter(({ slackChannel }) => slackChannel !== undefined);
  } catch (error) {
    return runChecks('slack', null, { 'slack-app': () => Promise.reject(error) }, deps);
  }
  if (asked.length === 0) {
    const hint = `no group names a Slack channel; to ask people there begin with \`linkgate slack manifest\` and \`${connect}\``;
    return runChecks('slack', null, { 'slack-app': () => ok(hint) }, deps);
  }
  const app = {
    'slack-app': () => checkApp(deps),
    'slack-signing-secret': () => checkSecret(signingSecret, deps.deployment),
  };
  const checks = await Promise.all([
    runChecks('slack', null, app, deps),
    ...asked.map((group) =>
      runChecks('slack', group.name, { 'slack-channel': () => checkChannel(group, deps) }, deps),
    ),
  ]);
  return checks.flat();
}

async function checkApp({ deployment, secrets, slackWith }: SlackCheckDeps): Promise<Result> {
  const kept = await checkSecret(botToken, deployment);
  if (kept.status !== 'ok') return kept;
  const [current = '', previous] = await secrets.read(slackSecrets.botToken);
  try {
    const { team, bot, scopes } = await appInfo([current], slackWith);
    const { lacking, unused } = missingScopes(scopes);
    if (lacking !== undefined) return failed(lacking, renewApp);
    return unused === undefined ? ok(`Slack knows it as ${bot} in ${team}`) : warning(unused, renewApp);
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    if (error.isPermanent && previous !== undefined && (await isTaken(previous, slackWith)))
      return warning(
        `Slack refuses the current bot token (${error.error}), and takes the one before, which works until the next is put in`,
        putInAnew,
      );
    return error.isPermanent
      ? failed(`Slack refuses its bot token: ${error.error}`, putInAnew)
      : warning(
          `Slack could not be asked: ${error.error}`,
          'look again; requests are told of once it answers',
        );
  }
}

async function isTaken(token: string, slackWith: ConnectSlackDeps['slackWith']): Promise<boolean> {
  try {
    await appInfo([token], slackWith);
    return true;
  } catch {
    return false;
  }
}

const putInAnew = `install the app anew in Slack, and put its bot token in:\n${connect}`;
const renewApp =
  "put this manifest in place of the one in the app's settings, install the app anew, and put its bot token in with `linkgate slack connect`:\nlinkgate slack manifest";

async function checkChannel(
  { name, slackChannel }: ApproverGroup,
  { table, reportError, deployment: { stage } }: SlackCheckDeps,
): Promise<Result> {
  const { channelError } = await findThrottle(name, { table, reportError });
  if (!channelError || channelError.channel !== slackChannel)
    return ok(`Slack refused nothing that was sent to ${slackChannel}, where anything was`);
  const { error, at } = channelError;
  const remedy = remedies[error] ?? (() => 'look up what Slack means by it');
  return failed(
    `Slack refused a message to ${slackChannel} at ${at}: ${error}`,
    `${remedy(stage)}\nIt is tried again every 15 minutes, and this is over once Slack takes a message.`,
  );
}

const invite = (stage: string) => `invite the app, in the channel: /invite @linkgate-${stage}`;
const nameAnother = () =>
  'name another channel: `linkgate approvers set` with --slack-channel, and all people of the group';

/** By Slack's word for what is amiss. */
const remedies: Readonly<Record<string, (stage: string) => string>> = {
  not_in_channel: invite,
  channel_not_found: (stage) => `where the channel is private, ${invite(stage)}; otherwise ${nameAnother()}`,
  is_archived: nameAnother,
  missing_scope: () => renewApp,
};
