import * as v from 'valibot';
import { ApproverGroup } from '../api-views.ts';
import { formatChange, formatFileManager, keyValues, type Output, table } from '../output.ts';
import type { Session } from '../session.ts';

const GroupResponse = v.looseObject({ group: ApproverGroup });
/** `group` is absent if an earlier try removed it. */
const RemovalResponse = v.partial(GroupResponse);

interface SetOptions {
  readonly slackChannel?: string;
  readonly slackUser?: readonly { readonly team: string; readonly user: string }[];
  readonly email?: readonly string[];
  readonly quorum?: number;
  readonly decisionChannels?: string;
  readonly escalateTo?: string;
}

export async function setGroup({ api, output }: Session, name: string, options: SetOptions) {
  const { slackChannel, slackUser, email, quorum, decisionChannels, escalateTo } = options;
  const { group } = await api.call('PUT', ['approvers', name], GroupResponse, {
    body: { slackChannel, slackUsers: slackUser, emails: email, quorum, decisionChannels, escalateTo },
  });
  output.result({ groups: [group] }, formatGroupTable([group], output));
}

export async function listGroups({ api, output }: Session) {
  const groups = await api.list(['approvers'], 'groups', ApproverGroup);
  output.result(
    { groups },
    groups.length === 0
      ? 'there is no group yet: `linkgate setup` makes the group default'
      : formatGroupTable(groups, output),
  );
}

export async function showGroup({ api, output }: Session, name: string) {
  const { group } = await api.call('GET', ['approvers', name], GroupResponse);
  output.result({ group }, groupDetails(group, output));
}

export async function removeGroup({ api, output }: Session, name: string) {
  const { group } = await api.call('DELETE', ['approvers', name], RemovalResponse);
  output.result({ group }, `the approver group ${name} is removed`);
}

function groupDetails(group: ApproverGroup, output: Output): string {
  return keyValues(
    [
      ['group', group.name],
      ['quorum', String(group.quorum)],
      ['Slack channel', group.slackChannel],
      ['Slack users', formatSlackUsers(group).join(' ')],
      ['e-mail', group.emails.join(' ')],
      ['decides', group.decisionChannels === 'api' ? 'by the command line or the API only' : 'anywhere'],
      ['escalates to', group.escalateTo],
      ['managed by', formatFileManager(group)],
      ['changed', formatChange(group.changedAt, group.changedBy)],
    ],
    output,
  );
}

function formatSlackUsers({ slackUsers }: ApproverGroup): string[] {
  return slackUsers.map(({ team, user }) => `${team}:${user}`);
}

function formatGroupTable(groups: readonly ApproverGroup[], output: Output): string {
  const rows = groups.map((group) => ({
    cells: [
      group.name,
      String(group.quorum),
      group.slackChannel ?? '-',
      [...formatSlackUsers(group), ...group.emails].join(' ') || '-',
    ],
    below: [
      group.decisionChannels === 'api' && 'decides by the command line or the API only',
      group.escalateTo && `escalates to ${group.escalateTo}`,
    ]
      .filter(Boolean)
      .join('; '),
  }));
  return table(['GROUP', 'QUORUM', 'CHANNEL', 'PEOPLE'], rows, output);
}
