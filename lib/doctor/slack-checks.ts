import type { ApproverGroup } from '../approvers/approver-group.ts';
import { SlackError } from '../channels/slack/web-api.ts';
import {
  type Check,
  type CheckOutput,
  type CheckResult,
  fail,
  notApplicable,
  pass,
  warn,
} from '../checks/check.ts';
import { findThrottle } from '../notifications/throttle.ts';
import {
  appInfo,
  type ConnectSlackDeps,
  describeScopeProblems,
  slackSecrets,
} from '../operations/connect-slack.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import type { Deployment } from './deployment.ts';
import { checkSecret } from './secret-check.ts';

export interface SlackCheckDeps extends ConnectSlackDeps, Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly deployment: Deployment;
  readonly readGroups: () => Promise<readonly ApproverGroup[]>;
}

const connectCommand = 'linkgate slack connect';
const signingSecret = {
  name: slackSecrets.signingSecret,
  label: 'signing secret of the Slack app',
  remedy: connectCommand,
};
const botToken = { name: slackSecrets.botToken, label: 'bot token of the Slack app', remedy: connectCommand };

/** The checks of the Slack app, its secrets and the channels of the groups. */
export const slackChecks: readonly Check<SlackCheckDeps>[] = [
  { id: 'slack-app', title: 'Slack accepts the bot token', run: checkApp },
  {
    id: 'slack-signing-secret',
    title: 'the parameter exists',
    run: async (deps) =>
      (await listGroupsInSlack(deps)).length === 0 ? [] : checkSecret(signingSecret, deps.deployment),
  },
  {
    id: 'slack-channel',
    title: 'Slack has rejected no message',
    run: async (deps) =>
      Promise.all(
        (await listGroupsInSlack(deps)).map(async (group) => ({
          subject: group.name,
          ...(await checkChannel(group, deps)),
        })),
      ),
  },
];

async function listGroupsInSlack({ readGroups }: SlackCheckDeps): Promise<ApproverGroup[]> {
  return (await readGroups()).filter(({ slackChannel }) => slackChannel !== undefined);
}

async function checkApp(deps: SlackCheckDeps): Promise<CheckOutput> {
  const { deployment, secrets, slackWith } = deps;
  if ((await listGroupsInSlack(deps)).length === 0)
    return notApplicable(
      `no group has a Slack channel; to use Slack begin with \`linkgate slack manifest\` and \`${connectCommand}\``,
    );
  const storedToken = await checkSecret(botToken, deployment);
  if (storedToken !== true) return storedToken;
  const [current = '', previous] = await secrets.read(slackSecrets.botToken);
  try {
    const { team, bot, scopes } = await appInfo([current], slackWith);
    const { lacking, unused } = describeScopeProblems(scopes);
    if (lacking !== undefined) return fail(lacking, updateManifestRemedy);
    return unused === undefined
      ? pass(`Slack accepts the bot token of ${bot} in ${team}`)
      : warn(unused, updateManifestRemedy);
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    if (error.isPermanent && previous !== undefined && (await isTokenAccepted(previous, slackWith)))
      return warn(
        `Slack rejects the current bot token (${error.error}) and accepts the previous one, which works until the next rotation`,
        reinstallRemedy,
      );
    return error.isPermanent
      ? fail(`Slack rejects the bot token: ${error.error}`, reinstallRemedy)
      : warn(
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
  deps: SlackCheckDeps,
): Promise<CheckResult> {
  const { channelError } = await findThrottle(name, deps);
  if (!channelError || channelError.channel !== slackChannel)
    return pass(`Slack has rejected no message to ${slackChannel}`);
  const { error, at } = channelError;
  const remedy = remedyByError[error] ?? (() => 'look up the error in the documentation of Slack');
  return fail(
    `Slack rejected a message to ${slackChannel} at ${at}: ${error}`,
    `${remedy(deps.deployment.stage)}\nlinkgate tries again every 15 minutes; the check passes once Slack accepts a message.`,
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
