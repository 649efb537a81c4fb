import type { CommandEntry } from './command-entry.ts';
import { decideCommands } from './command-table/decide-commands.ts';
import { operateCommands } from './command-table/operate-commands.ts';
import { policyCommands } from './command-table/policy-commands.ts';

/** Every command of linkgate. The help, the parser and docs/commands.md use this table. */
export const commandTable: readonly CommandEntry[] = [
  ...decideCommands.map((entry) => ({ ...entry, group: 'Decide' as const })),
  ...policyCommands.map((entry) => ({ ...entry, group: 'Policy' as const })),
  ...operateCommands.map((entry) => ({ ...entry, group: 'Operate' as const })),
];

/** The description of each family: the first word that several commands share. */
export const families: Readonly<Record<string, string>> = {
  service: 'endpoint services that linkgate manages',
  allowlist: 'entries that allow or block an account',
  approvers: 'groups of people who decide, and their quorum',
  customer: 'organisations behind accounts, and the contacts that linkgate notifies',
  operations: 'who gets notices about the deployment itself',
  sweep: 'run a sweep now, instead of waiting for the schedule',
  audit: 'verify that no audit entry was changed or removed',
  slack: 'the Slack app that asks approvers',
  item: 'remove an item of the table that linkgate cannot read',
};
