import { type Argument, Command, type ErrorOptions, Help, Option, type ParseOptionsResult } from 'commander';
import { didYouMean } from '../lib/values/did-you-mean.mjs';
import { type CommandEntry, commandGroups } from './command-entry.ts';
import { commandTable, families } from './command-table.ts';
import { type CommonOptions, commonOptions } from './options.ts';
import type { Io } from './process-io.ts';
import type { Session } from './session.ts';
import { version } from './version.ts';

/** Creates the parser of the command line, with the help of each command. */
export function createProgram(
  openSession: (options: CommonOptions) => Session,
  io: Io,
  entries: readonly CommandEntry[] = commandTable,
): Command {
  const linkgate = new Command('linkgate')
    .description('Policy-based accept/reject for AWS PrivateLink endpoint connections.')
    .usage('<command> [options]')
    .version(version)
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', rootNotes);
  for (const entry of orderByGroup(entries)) {
    const command = createCommand(entry).action(async (...args) => {
      // Commander passes the arguments, the options, and the command itself.
      const parsed = args.slice(0, -1);
      const session = openSession(parsed.at(-1));
      try {
        await entry.run(session, ...parsed);
      } finally {
        session.output.printWarnings();
      }
    });
    findOrAddParent(entry, linkgate).addCommand(command, { isDefault: entry.isDefault === true });
  }
  return configure(linkgate, io);
}

const rootNotes = `
Every command takes --json, --region, --stage and --help; \`linkgate <command> --help\` has an example.
Exit codes: 0 done, 1 failed, 2 usage error, 3 done and a check failed (plan --exit-code: there are changes).
With --json a failure prints {"error": {"code", "message"}}.
Credentials and Region are those of the AWS CLI. For the sandbox of \`npm start\`:
  export AWS_ENDPOINT_URL=http://127.0.0.1:4570`;

function orderByGroup(entries: readonly CommandEntry[]): readonly CommandEntry[] {
  return commandGroups.flatMap((group) => entries.filter((entry) => entry.group === group));
}

/** Finds the family of a command, or creates it for its first command. */
function findOrAddParent({ name, group }: CommandEntry, linkgate: Command): Command {
  const [family = '', verb] = name.split(' ');
  if (verb === undefined) return linkgate;
  const existing = linkgate.commands.find((command) => command.name() === family);
  if (existing) return existing;
  const command = new Command(family)
    .description(families[family] ?? '')
    .helpGroup(`${group}:`)
    .helpCommand(false);
  linkgate.addCommand(command);
  return command;
}

function createCommand({ name, group, summary, arguments: args = [], options = [], ...more }: CommandEntry) {
  const command = new RunnableCommand(name.split(' ').at(-1))
    .summary(summary)
    .description(formatSentence(summary));
  if (!name.includes(' ')) command.helpGroup(`${group}:`);
  for (const argument of args) command.addArgument(argument());
  const commandOptions = options.map((option) => option());
  for (const option of [
    ...commandOptions.filter(isRequired),
    ...commandOptions.filter((each) => !isRequired(each)),
  ])
    command.addOption(option.helpGroup(isRequired(option) ? 'Required options:' : 'Options:'));
  for (const option of commonOptions()) command.addOption(option.helpGroup('Common options:'));
  command.addHelpOption(new Option('-h, --help', 'show this help').helpGroup('Common options:'));
  command.usage(usageText(command.registeredArguments, commandOptions));
  const notes = more.notes === undefined ? '' : `\n${more.notes}\n`;
  return command.addHelpText('after', `${notes}\nExample:\n  ${more.example}`);
}

/** Formats `show one service` as a sentence. */
export function formatSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function argumentTerm(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

export function isRequired({ mandatory }: Option): boolean {
  return mandatory;
}

/** `<accountId> --service <service> [options]` */
export function usageText(args: readonly Argument[], options: readonly Option[]): string {
  return [
    ...args.map(argumentTerm),
    ...options.filter(isRequired).map(({ flags }) => flags.replace(/^-\w, /, '')),
    '[options]',
  ].join(' ');
}

/** Adds an executable command. */
class RunnableCommand extends Command {
  /** Reports an unknown option first, because a misspelt option causes a missing one. */
  override parseOptions(argv: string[]): ParseOptionsResult {
    const parsed = super.parseOptions(argv);
    if (parsed.unknown.length > 0) for (const option of this.options) option.makeOptionMandatory(false);
    return parsed;
  }

  /** Commander passes a misspelt command to the default command of its family as an argument. */
  override error(message: string, options?: ErrorOptions): never {
    const [unknownCommand = this.name()] = this.parent?.args ?? [];
    if (
      options?.code !== 'commander.excessArguments' ||
      !this.parent?.parent ||
      unknownCommand === this.name()
    )
      return super.error(message, options);
    const names = this.parent.commands.map((command) => command.name());
    return this.parent.error(
      `error: unknown command '${unknownCommand}'${didYouMean(unknownCommand, names)}`,
    );
  }
}

/** Commander copies its settings only to commands that it creates itself. */
function configure(command: Command, io: Io, path = command.name()): Command {
  command
    .exitOverride()
    .showHelpAfterError(`see \`${path} --help\``)
    .configureHelp(helpFormat)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns || 80,
      getErrHelpWidth: () => io.stderr.columns || 80,
    });
  for (const each of command.commands) configure(each, io, `${path} ${each.name()}`);
  return command;
}

const standardHelp = new Help();

const helpFormat: Partial<Help> = {
  /** `service add|list|show|remove` */
  subcommandTerm: (command) =>
    [
      command.name(),
      command.commands.map((each) => each.name()).join('|'),
      ...command.registeredArguments.map(argumentTerm),
    ]
      .filter(Boolean)
      .join(' '),
  argumentDescription: (argument) =>
    `${standardHelp.argumentDescription(argument)}${argument.required ? ' (required)' : ''}`,
};
