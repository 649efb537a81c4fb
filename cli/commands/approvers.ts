import * as v from 'valibot';
import { readAllPages } from '../api-client.ts';
import { ApproverGroup, GroupPage, Warnings } from '../api-views.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { keyValues, type Output, table, time } from '../output.ts';

const GroupResponse = v.looseObject({ group: ApproverGroup, warnings: Warnings });
/** `group` is absent if an earlier try removed it. */
const RemovalResponse = v.looseObject({ group: v.optional(ApproverGroup), warnings: Warnings });

interface SetOptions extends CommonOptions {
  readonly slackChannel?: string;
  readonly slackUser?: readonly { readonly team: string; readonly user: string }[];
  readonly email?: readonly string[];
  readonly quorum?: number;
  readonly decisionChannels?: string;
  readonly escalateTo?: string;
}

export function setGroup({ open }: HandlerDeps) {
  return async (name: string, options: SetOptions) => {
    const { api, output } = await open(options);
    const { slackChannel, slackUser, email, quorum, decisionChannels, escalateTo } = options;
    const { group, warnings } = await api.call('PUT', ['approvers', name], GroupResponse, {
      body: { slackChannel, slackUsers: slackUser, emails: email, quorum, decisionChannels, escalateTo },
    });
    output.result({ groups: [group] }, formatGroupTable([group], output));
    output.warn(warnings);
  };
}

export function listGroups({ open }: HandlerDeps) {
  return async (options: CommonOptions) => {
    const { api, output } = await open(options);
    const groups = await readAllPages(api, ['approvers'], GroupPage, (page) => page.groups);
    output.result(
      { groups },
      groups.length === 0
        ? 'there is no group yet: `linkgate setup` makes the group default'
        : formatGroupTable(groups, output),
    );
  };
}

export function showGroup({ open }: HandlerDeps) {
  return async (name: string, options: CommonOptions) => {
    const { api, output } = await open(options);
    const { group, warnings } = await api.call('GET', ['approvers', name], GroupResponse);
    output.result({ group }, groupDetails(group, output));
    output.warn(warnings);
  };
}

export function removeGroup({ open }: HandlerDeps) {
  return async (name: string, options: CommonOptions) => {
    const { api, output } = await open(options);
    const { group, warnings } = await api.call('DELETE', ['approvers', name], RemovalResponse);
    output.result({ group }, `the approver group ${name} is removed`);
    output.warn(warnings);
  };
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

function formatGroupTable(groups: readonly ApproverGroup[], output: Output): string {
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
