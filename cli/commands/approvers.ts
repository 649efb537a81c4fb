import { Command } from 'commander';
import * as v from 'valibot';
import { everyPage } from '../api-client.ts';
import { ApproverGroup, GroupPage } from '../api-views.ts';
import {
  type CommonOptions,
  command,
  emailOption,
  groupArgument,
  quorumOption,
  slackChannelOption,
  slackUserOption,
} from '../options.ts';
import { type Output, table } from '../output.ts';
import type { Open } from '../session.ts';

const Answer = v.looseObject({ group: ApproverGroup });

interface SetOptions extends CommonOptions {
  readonly slackChannel?: string;
  readonly slackUser?: readonly { readonly team: string; readonly user: string }[];
  readonly email?: readonly string[];
  readonly quorum?: number;
}

export function approversCommand(open: Open): Command {
  const approvers = new Command('approvers').description(
    'the groups of people that services name, and how many have to approve',
  );
  for (const each of [setCommand(open), listCommand(open)]) approvers.addCommand(each);
  return approvers;
}

function setCommand(open: Open): Command {
  return command('set', 'make a group, or replace one whole: who is not named again is no longer in it')
    .addArgument(groupArgument())
    .addHelpText(
      'after',
      `
linkgate sends no message. People decide by \`linkgate approve\` and \`linkgate deny\` or through the API, and
IAM says who may: the approver policy among the outputs of the stack. The list is for channels to come;
the quorum counts different IAM callers.`,
    )
    .addOption(slackChannelOption())
    .addOption(slackUserOption())
    .addOption(emailOption())
    .addOption(quorumOption())
    .action(async (name: string, { slackChannel, slackUser, email, quorum, ...common }: SetOptions) => {
      const { api, output } = await open(common);
      const { group } = await api.call('PUT', ['approvers', name], Answer, {
        body: { slackChannel, slackUsers: slackUser, emails: email, quorum },
      });
      output.result({ groups: [group] }, listed([group], output));
    });
}

function listCommand(open: Open): Command {
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

function listed(groups: readonly ApproverGroup[], output: Output): string {
  return table(
    ['GROUP', 'QUORUM', 'CHANNEL', 'PEOPLE'],
    groups.map(({ name, quorum, slackChannel, slackUsers, emails }) => ({
      cells: [
        name,
        String(quorum),
        slackChannel ?? '-',
        [...slackUsers.map(({ team, user }) => `${team}:${user}`), ...emails].join(' ') || '-',
      ],
    })),
    output,
  );
}
