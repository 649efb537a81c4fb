import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { commandGroups } from '../../cli/command-entry.ts';
import { commandTable, families } from '../../cli/command-table.ts';
import { commandsPage } from '../../cli/commands-page.ts';
import { main } from '../../cli/main.ts';
import type { CommonOptions } from '../../cli/options.ts';
import type { Io } from '../../cli/process-io.ts';
import { createProgram } from '../../cli/program.ts';
import { progressOn } from '../../cli/progress.ts';
import { createSession } from '../../cli/session.ts';

const clock = { sleep: async () => {}, after: () => () => {} };

async function help(...args: string[]): Promise<string> {
  let text = '';
  const terminal = { write: (part: string) => (text += part), columns: 200 };
  expect(await main([...args, '--help'], { env: {}, stdout: terminal, stderr: terminal, clock })).toBe(0);
  return text;
}

/** Splits a pasted command into arguments, without shell expansion. */
function shellWords(line: string): string[] {
  const [command = ''] = line.split(' < ');
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

describe('`linkgate --help`', () => {
  test('lists every command or its family, in the groups Decide, Policy and Operate', async () => {
    const text = await help();
    const sections = [...text.matchAll(/^(Decide|Policy|Operate):\n((?: .*\n)*)/gm)];
    expect(sections.map(([, group]) => group)).toEqual(commandGroups);
    const listedCommands = sections.flatMap(([, group, lines = '']) =>
      [...lines.matchAll(/^ {2}([a-z]+)/gm)].map(([, verb]) => `${group} ${verb}`),
    );
    const tableCommands = commandTable.map(({ group, name }) => `${group} ${name.split(' ')[0]}`);
    expect(listedCommands.sort()).toEqual([...new Set(tableCommands)].sort());
  });

  test('lists the verbs of a family', async () => {
    expect(await help()).toMatch(/^ {2}service add\|list\|show\|remove {2}/m);
  });

  test('explains each exit code', async () => {
    expect(await help()).toContain('0 done, 1 failed, 2 usage error, 3 done and a check failed');
  });
});

test('every family of commands has a description', () => {
  const usedFamilies = commandTable.flatMap(({ name }) =>
    name.includes(' ') ? [name.split(' ')[0] ?? ''] : [],
  );
  expect(Object.keys(families).sort()).toEqual([...new Set(usedFamilies)].sort());
});

describe.each(commandTable)(
  '`linkgate $name --help`',
  ({ name, example, options = [], arguments: args = [] }) => {
    test('marks required options and ends with the example', async () => {
      const text = await help(...name.split(' '));
      const required = options.map((make) => make()).filter(({ mandatory }) => mandatory);
      const marked = /^Required options:\n((?: .*\n)*)/m.exec(text)?.[1] ?? '';
      expect(marked.split('\n').filter(Boolean)).toHaveLength(required.length);
      for (const { long, flags } of required) {
        expect(marked).toContain(`${long} `);
        expect(/^Usage: .*/.exec(text)?.[0]).toContain(flags.replace(/^-\w, /, ''));
      }
      for (const argument of args.map((make) => make()))
        expect(/ {2}(\S.*)\(required\)$/m.test(text) || !argument.required).toBe(true);
      expect(text.trimEnd().endsWith(`Example:\n  ${example}`)).toBe(true);
    });

    test('has a valid example of the command', async () => {
      const [program, ...argv] = shellWords(example);
      expect(program).toBe('linkgate');
      const calledCommands: string[] = [];
      const recordingTable = commandTable.map((entry) => ({
        ...entry,
        run: () => void calledCommands.push(entry.name),
      }));
      const io: Io = { env: {}, stdout: { write: () => {} }, stderr: { write: () => {} }, clock };
      const openSession = (options: CommonOptions) => createSession(options, io, progressOn(io));
      await createProgram(openSession, io, recordingTable).parseAsync(argv, { from: 'user' });
      expect(calledCommands).toEqual([name]);
    });
  },
);

test('docs/commands.md is the output of `node run.mjs cli/commands-page.ts`', () => {
  expect(readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8')).toBe(commandsPage());
});
