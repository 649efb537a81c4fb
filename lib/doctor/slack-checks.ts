import { type ApproverGroup, approverGroups } from '../approval/approver-group.ts';
import type { Invocation } from '../invocation.ts';
import { appOf, type ConnectingSlack, scopesAmiss, slackSecrets } from '../slack/connect.ts';
import { SlackError } from '../slack/web-api.ts';
import type { Table } from '../table/table.ts';
import { findBoard } from '../telling/board.ts';
import { type Check, examine, failed, ok, type Result, warning } from './check.ts';
import type { Deployment } from './deployment.ts';
import { examineSecret } from './secret-check.ts';

export interface ExaminingSlack extends ConnectingSlack, Pick<Invocation, 'report'> {
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
export async function examineSlack(deps: ExaminingSlack): Promise<Check[]> {
  let asked: readonly ApproverGroup[];
  try {
    asked = (await approverGroups(deps)).filter(({ slackChannel }) => slackChannel !== undefined);
  } catch (error) {
    return examine('slack', null, { 'slack-app': () => Promise.reject(error) }, deps);
  }
  if (asked.length === 0) {
    const hint = `no group names a Slack channel; to ask people there begin with \`linkgate slack manifest\` and \`${connect}\``;
    return examine('slack', null, { 'slack-app': () => ok(hint) }, deps);
  }
  const app = {
    'slack-app': () => examineApp(deps),
    'slack-signing-secret': () => examineSecret(signingSecret, deps.deployment),
  };
  const checks = await Promise.all([
    examine('slack', null, app, deps),
    ...asked.map((group) =>
      examine('slack', group.name, { 'slack-channel': () => examineChannel(group, deps) }, deps),
    ),
  ]);
  return checks.flat();
}

async function examineApp({ deployment, secrets, slackWith }: ExaminingSlack): Promise<Result> {
  const kept = await examineSecret(botToken, deployment);
  if (kept.status !== 'ok') return kept;
  const [current = '', previous] = await secrets.read(slackSecrets.botToken);
  try {
    const { team, bot, scopes } = await appOf([current], slackWith);
    const { lacking, unused } = scopesAmiss(scopes);
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

async function isTaken(token: string, slackWith: ConnectingSlack['slackWith']): Promise<boolean> {
  try {
    await appOf([token], slackWith);
    return true;
  } catch {
    return false;
  }
}

const putInAnew = `install the app anew in Slack, and put its bot token in:\n${connect}`;
const renewApp =
  "put this manifest in place of the one in the app's settings, install the app anew, and put its bot token in with `linkgate slack connect`:\nlinkgate slack manifest";

async function examineChannel(
  { name, slackChannel }: ApproverGroup,
  { table, report, deployment: { stage } }: ExaminingSlack,
): Promise<Result> {
  const { trouble } = await findBoard(name, { table, report });
  if (!trouble || trouble.channel !== slackChannel)
    return ok(`Slack refused nothing that was sent to ${slackChannel}, where anything was`);
  const { error, at } = trouble;
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
