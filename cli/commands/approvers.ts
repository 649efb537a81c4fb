import { Command } from 'commander';
import * as v from 'valibot';
import { everyPage } from '../api-client.ts';
import { ApproverGroup, GroupPage, Warnings } from '../api-views.ts';
import {
  type CommonOptions,
  command,
  decisionChannelsOption,
  emailOption,
  escalateToOption,
  groupArgument,
  quorumOption,
  slackChannelOption,
  slackUserOption,
} from '../options.ts';
import { keyValues, type Output, table, time } from '../output.ts';
import type { OpenSession } from '../session.ts';

const Answer = v.looseObject({ group: ApproverGroup, warnings: Warnings });
/** Without the group as it was, where an earlier try removed it. */
const Removed = v.looseObject({ group: v.optional(ApproverGroup), warnings: Warnings });

interface SetOptions extends CommonOptions {
  readonly slackChannel?: string;
  readonly slackUser?: readonly { readonly team: string; readonly user: string }[];
  readonly email?: readonly string[];
  readonly quorum?: number;
  readonly decisionChannels?: string;
  readonly escalateTo?: string;
}

export function approversCommand(open: OpenSession): Command {
  const approvers = new Command('approvers').description(
    'the groups of people that services name, and how many have to approve',
  );
  for (const each of [setCommand(open), listCommand(open), showCommand(open), removeCommand(open)])
    approvers.addCommand(each);
  return approvers;
}

function setCommand(open: OpenSession): Command {
  return command('set', 'make a group, or replace one whole: who is not named again is no longer in it')
    .addArgument(groupArgument())
    .addHelpText(
      'after',
      `
Requests that wait for the group are shown in its Slack channel, and each address is sent a mail with links that decide,
once its reader has confirmed the one that SNS sends first. In Slack only the users named here decide, and by mail only
the addresses named here; by \`linkgate approve\` and \`linkgate deny\` or through the API those whom IAM lets: the approver
policy among the outputs of the stack. The quorum counts different people, by whichever way they come.`,
    )
    .addOption(slackChannelOption())
    .addOption(slackUserOption())
    .addOption(emailOption())
    .addOption(quorumOption())
    .addOption(decisionChannelsOption())
    .addOption(escalateToOption())
    .action(async (name: string, options: SetOptions) => {
      const { api, output } = await open(options);
      const { slackChannel, slackUser, email, quorum, decisionChannels, escalateTo } = options;
      const { group, warnings } = await api.call('PUT', ['approvers', name], Answer, {
        body: { slackChannel, slackUsers: slackUser, emails: email, quorum, decisionChannels, escalateTo },
      });
      output.result({ groups: [group] }, listed([group], output));
      output.warn(warnings);
    });
}

function listCommand(open: OpenSession): Command {
  return command('list', 'every group, and how many of it have to approve').action(
    async (options: CommonOptions) => {
      const { api, output } = await open(options);
      const groups = await everyPage(api, ['approvers'], GroupPage, (page) => page.groups);
      output.result(
        { groups },
        groups.length === 0
          ? 'there is no group yet: `linkgate setup` makes the group default'
          : listed(groups, output),
      );
    },
  );
}

function showCommand(open: OpenSession): Command {
  return command('show', 'one group: its people, its quorum, its channels')
    .addArgument(groupArgument())
    .action(async (name: string, options: CommonOptions) => {
      const { api, output } = await open(options);
      const { group, warnings } = await api.call('GET', ['approvers', name], Answer);
      output.result({ group }, groupDetails(group, output));
      output.warn(warnings);
    });
}

function removeCommand(open: OpenSession): Command {
  return command('remove', 'remove a group that no service and no other group names')
    .addArgument(groupArgument())
    .action(async (name: string, options: CommonOptions) => {
      const { api, output } = await open(options);
      const { group, warnings } = await api.call('DELETE', ['approvers', name], Removed);
      output.result({ group }, `the approver group ${name} is removed`);
      output.warn(warnings);
    });
}

function groupDetails(group: ApproverGroup, output: Output): string {
  const { name, quorum, slackChannel, slackUsers, emails, decisionChannels, escalateTo } = group;
  const { managedBy, changedAt, changedBy } = group;
  return keyValues(
    [
      ['group', name],
      ['quorum', String(quorum)],
      ['Slack channel', slackChannel],
      ['Slack users', slackUsers.map(({ team, user }) => `${team}:${user}`).join(' ')],
      ['e-mail', emails.join(' ')],
      ['decides', decisionChannels === 'api' ? 'by the command line or the API only' : 'anywhere'],
      ['escalates to', escalateTo],
      ['managed by', managedBy === 'file' ? 'the policy file' : undefined],
      ['changed', changedAt && `${time(changedAt)}${changedBy ? ` by ${changedBy}` : ''}`],
    ],
    output,
  );
}

function listed(groups: readonly ApproverGroup[], output: Output): string {
  return table(
    ['GROUP', 'QUORUM', 'CHANNEL', 'PEOPLE'],
    groups.map(({ name, quorum, slackChannel, slackUsers, emails, decisionChannels, escalateTo }) => ({
      cells: [
        name,
        String(quorum),
        slackChannel ?? '-',
        [...slackUsers.map(({ team, user }) => `${team}:${user}`), ...emails].join(' ') || '-',
      ],
      below: [
        decisionChannels === 'api' && 'decides by the command line or the API only',
        escalateTo && `escalates to ${escalateTo}`,
      ]
        .filter(Boolean)
        .join('; '),
    })),
    output,
  );
}
