import type { Command } from 'commander';
import { Done } from '../api-views.ts';
import { type CommonOptions, command } from '../options.ts';
import type { OpenSession } from '../session.ts';

export function setupCommand(open: OpenSession): Command {
  return command('setup', 'after the first deployment: make what linkgate needs beside its stack').action(
    async (options: CommonOptions) => {
      const { api, output } = await open(options);
      const { done } = await api.call('POST', ['setup'], Done);
      output.result({ done }, done.join('\n'));
    },
  );
}
