import { describe, expect, test } from '@jest/globals';
import { commandTable, families as familyDescriptions } from '../../cli/command-table.ts';
import { commonOptions } from '../../cli/options.ts';
import { readPages } from './page.ts';

interface Command {
  readonly path: string;
  readonly options: readonly string[];
  /** The valid next arguments. */
  readonly next: readonly string[];
}

const pages = readPages();
const commands = new Map(listCommands().map((command) => [command.path, command]));

describe('the pages and the command line', () => {
  test.each(pages)('$path names only existing commands and options', ({ text }) => {
    expect(findMentions(text).flatMap(findErrors)).toEqual([]);
  });
});

/** Lists the commands of the table, their parent commands and `linkgate` itself. */
function listCommands(): Command[] {
  const everywhere = ['--help', ...commonOptions().map(({ long }) => long ?? '')];
  const single = commandTable.map(({ name, options = [] }) => ({
    path: name,
    options: [...everywhere, ...options.map((make) => make().long ?? '')],
    next: [],
  }));
  const commandPaths = commandTable.map(({ name }) => name.split(' '));
  const families = Object.keys(familyDescriptions).map((family) => ({
    path: family,
    options: ['--help'],
    next: commandPaths.flatMap(([first, verb]) => (first === family && verb ? [verb] : [])),
  }));
  const root = {
    path: '',
    options: ['--help', '--version'],
    next: [...commandPaths.map(([first = '']) => first), 'help'],
  };
  return [root, ...families, ...single];
}

/** Returns the arguments of each command after `npx linkgate`, or after a `linkgate` at the start of inline code. */
function findMentions(text: string): string[][] {
  return [...text.replaceAll('\\\n', ' ').matchAll(/(?:npx linkgate|`linkgate) ([^`\n|;#)]*)/g)].map(
    ([, line = '']) => line.split(/\s+/).filter(Boolean),
  );
}

/** Finds the deepest command that the arguments name. */
function findCommand(args: readonly string[]): Command {
  let command = commands.get('');
  for (const arg of args) {
    const next = commands.get(`${command?.path ?? ''} ${arg}`.trim());
    if (!next || !command?.next.includes(arg)) break;
    command = next;
  }
  if (!command) throw new Error('there is no command line');
  return command;
}

function findErrors(args: readonly string[]): string[] {
  const { path, options, next: below } = findCommand(args);
  const usedOptions = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.replace(/=.*/, ''));
  const next = args[path === '' ? 0 : path.split(' ').length];
  const isNoCommand = below.length > 0 && next !== undefined && /^[a-z]/.test(next);
  return [
    ...(isNoCommand ? [`linkgate ${args.join(' ')}: there is no such command`] : []),
    ...usedOptions
      .filter((option) => !options.includes(option))
      .map((option) => `linkgate ${path} has no ${option}`),
  ];
}
