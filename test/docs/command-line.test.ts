import { beforeAll, describe, expect, test } from '@jest/globals';
import { main } from '../../cli/main.ts';
import { readPages } from './page.ts';

interface Command {
  readonly path: string;
  readonly options: readonly string[];
  readonly commands: readonly string[];
}

const pages = readPages();
let commands: ReadonlyMap<string, Command>;

beforeAll(async () => {
  commands = new Map((await listCommands('')).map((command) => [command.path, command]));
});

describe('the pages and the command line', () => {
  test.each(pages)('$path names only existing commands and options', ({ text }) => {
    expect(findMentions(text).flatMap(findErrors)).toEqual([]);
  });

  test('document every command', () => {
    const told = new Set(
      pages.flatMap(({ text }) => findMentions(text)).map((words) => findCommand(words).path),
    );
    const leaves = [...commands.values()].filter(({ commands: below }) => below.length === 0);
    expect(leaves.map(({ path }) => path).filter((path) => !told.has(path))).toEqual([]);
  });
});

async function listCommands(path: string): Promise<Command[]> {
  const help = await readHelp(path);
  const options = [...help.matchAll(/(?<=[\s,])--[a-z-]+/g)].map(([option]) => option);
  const below = (/^Commands:\n((?: .*\n)*)/m.exec(help)?.[1] ?? '')
    .split('\n')
    .flatMap((line) => /^ {2}([a-z]+)(?= )/.exec(line)?.[1] ?? [])
    .filter((name) => name !== 'help');
  const deeper = await Promise.all(below.map((name) => listCommands(`${path} ${name}`.trim())));
  return [{ path, options, commands: below }, ...deeper.flat()];
}

async function readHelp(path: string): Promise<string> {
  let help = '';
  const stream = { write: (text: string) => (help += text), columns: 200 };
  const clock = { sleep: async () => {}, after: () => () => {} };
  await main([...path.split(' ').filter(Boolean), '--help'], {
    env: {},
    stdout: stream,
    stderr: stream,
    clock,
  });
  return help;
}

/** Returns the words of each command after `npx linkgate`, or after a `linkgate` at the start of inline code. */
function findMentions(text: string): string[][] {
  return [...text.replaceAll('\\\n', ' ').matchAll(/(?:npx linkgate|`linkgate) ([^`\n|;#)]*)/g)].map(
    ([, words = '']) => words.split(/\s+/).filter(Boolean),
  );
}

/** Finds the deepest command that the words name. */
function findCommand(words: readonly string[]): Command {
  let found = commands.get('');
  for (const word of words) {
    const next = commands.get(`${found?.path ?? ''} ${word}`.trim());
    if (!next || !found?.commands.includes(word)) break;
    found = next;
  }
  if (!found) throw new Error('there is no command line');
  return found;
}

function findErrors(words: readonly string[]): string[] {
  const { path, options, commands: below } = findCommand(words);
  const given = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/=.*/, ''));
  const next = words[path === '' ? 0 : path.split(' ').length];
  const isNoCommand = below.length > 0 && next !== undefined && /^[a-z]/.test(next);
  return [
    ...(isNoCommand ? [`linkgate ${words.join(' ')}: there is no such command`] : []),
    ...given
      .filter((option) => !options.includes(option))
      .map((option) => `linkgate ${path} has no ${option}`),
  ];
}
