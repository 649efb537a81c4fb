import { type ApproverGroup, listApproverGroups } from '../approvers/approver-group.ts';
import { SlackError } from '../channels/slack/web-api.ts';
import { findThrottle } from '../notifications/throttle.ts';
import {
  appInfo,
  type ConnectSlackDeps,
  describeScopeProblems,
  slackSecrets,
} from '../operations/connect-slack.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import { type Check, type CheckResult, failed, ok, runChecks, warning } from './check.ts';
import type { Deployment } from './deployment.ts';
import { checkSecret } from './secret-check.ts';

export interface SlackCheckDeps extends ConnectSlackDeps, Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly deployment: Deployment;
}

const connectCommand = 'linkgate slack connect';
const signingSecret = {
  name: slackSecrets.signingSecret,
  label: 'signing secret of the Slack app',
  remedy: connectCommand,
};
const botToken = { name: slackSecrets.botToken, label: 'bot token of the Slack app', remedy: connectCommand };

/** Checks the Slack app, its secrets and the channels of the groups. */
export async function checkSlack(deps: SlackCheckDeps): Promise<Check[]> {
  let groupsInSlack: readonly ApproverGroup[];
  try {
    groupsInSlack = (await listApproverGroups(deps)).filter(({ slackChannel }) => slackChannel !== undefined);
  } catch (error) {
    return runChecks('slack', null, { 'slack-app': () => Promise.reject(error) }, deps);
  }
  if (groupsInSlack.length === 0) {
    const hint = `no group has a Slack channel; to use Slack begin with \`linkgate slack manifest\` and \`${connectCommand}\``;
    return runChecks('slack', null, { 'slack-app': () => ok(hint) }, deps);
  }
  const appChecks = {
    'slack-app': () => checkApp(deps),
    'slack-signing-secret': () => checkSecret(signingSecret, deps.deployment),
  };
  const checks = await Promise.all([
    runChecks('slack', null, appChecks, deps),
    ...groupsInSlack.map((group) =>
      runChecks('slack', group.name, { 'slack-channel': () => checkChannel(group, deps) }, deps),
    ),
  ]);
  return checks.flat();
}

async function checkApp({ deployment, secrets, slackWith }: SlackCheckDeps): Promise<CheckResult> {
  const storedToken = await checkSecret(botToken, deployment);
  if (storedToken.status !== 'ok') return storedToken;
  const [current = '', previous] = await secrets.read(slackSecrets.botToken);
  try {
    const { team, bot, scopes } = await appInfo([current], slackWith);
    const { lacking, unused } = describeScopeProblems(scopes);
    if (lacking !== undefined) return failed(lacking, updateManifestRemedy);
    return unused === undefined
      ? ok(`Slack accepts the bot token of ${bot} in ${team}`)
      : warning(unused, updateManifestRemedy);
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    if (error.isPermanent && previous !== undefined && (await isTokenAccepted(previous, slackWith)))
      return warning(
        `Slack rejects the current bot token (${error.error}) and accepts the previous one, which works until the next rotation`,
        reinstallRemedy,
      );
    return error.isPermanent
      ? failed(`Slack rejects the bot token: ${error.error}`, reinstallRemedy)
      : warning(
          `Slack did not answer: ${error.error}`,
          'check again; linkgate sends its messages once Slack answers',
        );
  }
}

async function isTokenAccepted(token: string, slackWith: ConnectSlackDeps['slackWith']): Promise<boolean> {
  try {
    await appInfo([token], slackWith);
    return true;
  } catch {
    return false;
  }
}

const reinstallRemedy = `reinstall the app in Slack, and store its bot token:\n${connectCommand}`;
const updateManifestRemedy =
  "replace the manifest in the app's settings with this one, reinstall the app, and store its bot token with `linkgate slack connect`:\nlinkgate slack manifest";

async function checkChannel(
  { name, slackChannel }: ApproverGroup,
  { table, reportError, deployment: { stage } }: SlackCheckDeps,
): Promise<CheckResult> {
  const { channelError } = await findThrottle(name, { table, reportError });
  if (!channelError || channelError.channel !== slackChannel)
    return ok(`Slack has rejected no message to ${slackChannel}`);
  const { error, at } = channelError;
  const remedy = remedyByError[error] ?? (() => 'look up the error in the documentation of Slack');
  return failed(
    `Slack rejected a message to ${slackChannel} at ${at}: ${error}`,
    `${remedy(stage)}\nlinkgate tries again every 15 minutes; the check passes once Slack accepts a message.`,
  );
}

const inviteText = (stage: string) => `invite the app, in the channel: /invite @linkgate-${stage}`;
const otherChannelText = () =>
  'choose another channel: `linkgate approvers set` with --slack-channel and all members of the group';

/** The remedies by error code of Slack. */
const remedyByError: Readonly<Record<string, (stage: string) => string>> = {
  not_in_channel: inviteText,
  channel_not_found: (stage) =>
    `if the channel is private, ${inviteText(stage)}; otherwise ${otherChannelText()}`,
  is_archived: otherChannelText,
  missing_scope: () => updateManifestRemedy,
};
