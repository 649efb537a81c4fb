import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Argument, Option } from 'commander';
import { type CommandEntry, commandGroups } from './command-entry.ts';
import { commandTable } from './command-table.ts';
import { commonOptions } from './options.ts';
import { formatSentence, isRequired, usageText } from './program.ts';

/** Renders docs/commands.md from the table of commands. */
export function commandsPage(): string {
  return `${[intro, ...commandGroups.flatMap(groupSection)].join('\n\n')}\n`;
}

const intro = `# Commands

<!-- Made by \`node run.mjs cli/commands-page.ts\` from cli/command-table.ts: change that, and run it again. -->

All commands of \`linkgate\`, as \`linkgate <command> --help\` describes them. \`<…>\` is required, \`[…]\` may be left out.

Every command takes these options:

${optionTable(commonOptions())}

| exit code | meaning |
|---|---|
| 0 | done; warnings are on standard error |
| 1 | failed, also where a service, an account, an endpoint or a group is unknown |
| 2 | usage error |
| 3 | done, and a check failed; with \`plan --exit-code\` there are changes |

With \`--json\` standard output has exactly one document: the result, or for a failure \`{"error": {"code", "message"}}\`, where the
code is the API's ([all codes](api.md#errors)) or one of the command line.`;

function groupSection(group: CommandEntry['group']): string[] {
  return [`## ${group}`, ...commandTable.filter((entry) => entry.group === group).map(commandSection)];
}

function commandSection(entry: CommandEntry): string {
  const args = (entry.arguments ?? []).map((make) => make());
  const options = (entry.options ?? []).map((make) => make());
  return [
    `### ${entry.name}`,
    `${formatSentence(entry.summary)}${entry.isDefault ? ` \`linkgate ${entry.name.split(' ')[0]}\` alone does the same.` : ''}`,
    fence(`linkgate ${entry.name} ${usageText(args, options)}`),
    ...(args.length > 0 ? [argumentTable(args)] : []),
    ...(options.length > 0 ? [optionTable(options)] : []),
    ...(entry.notes ? [fence(entry.notes)] : []),
    `Example:\n\n${fence(entry.example)}`,
  ].join('\n\n');
}

function argumentTable(args: readonly Argument[]): string {
  return table(
    'argument',
    args.map((argument) => [
      argument.name(),
      argument.required,
      withChoices(argument.description, argument.argChoices),
    ]),
  );
}

function optionTable(options: readonly Option[]): string {
  return table(
    'option',
    options.map((option) => [
      option.flags,
      isRequired(option),
      withChoices(option.description, option.argChoices),
    ]),
  );
}

function withChoices(description: string, choices: readonly string[] | undefined): string {
  return choices ? `${description}: ${choices.map((choice) => `\`${choice}\``).join(', ')}` : description;
}

function table(
  title: string,
  rows: readonly (readonly [name: string, isRequired: boolean, text: string])[],
): string {
  const lines = rows.map(
    ([name, required, text]) => `| \`${name}\` | ${required ? 'yes' : ''} | ${text.replaceAll('|', '\\|')} |`,
  );
  return [`| ${title} | required | description |`, '|---|---|---|', ...lines].join('\n');
}

function fence(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('../docs/commands.md', import.meta.url), commandsPage());
