import type { Command } from 'commander';
import * as v from 'valibot';
import { Service } from '../api-views.ts';
import { type CommonOptions, command, serviceArgument } from '../options.ts';
import { shortActor, time } from '../output.ts';
import type { Open } from '../session.ts';

const Answer = v.looseObject({ service: Service });

interface PauseOptions extends CommonOptions {
  readonly reason?: string;
}

export function pauseCommands(open: Open): readonly Command[] {
  return [pauseCommand(open), resumeCommand(open)];
}

function pauseCommand(open: Open): Command {
  return command('pause', 'let every request to a service wait, and cut no connection to it')
    .addArgument(serviceArgument())
    .option('--reason <text>', 'why, for whoever waits')
    .action(async (named: string, { reason, ...common }: PauseOptions) => {
      const { api, output } = await open(common);
      const { service } = await api.call('POST', ['services', named, 'pause'], Answer, {
        body: { reason },
      });
      output.result(
        { service },
        `${service.name} is paused: ${pauseOf(service)}\nits requests wait and its connections stay, whatever is to be cut, until:\n  linkgate resume ${service.name}`,
      );
    });
}

function resumeCommand(open: Open): Command {
  return command('resume', 'decide the requests to a paused service again, and what is to be cut')
    .addArgument(serviceArgument())
    .action(async (named: string, options: CommonOptions) => {
      const { api, output } = await open(options);
      const { service: before } = await api.call('GET', ['services', named], Answer);
      const { service } = await api.call('POST', ['services', named, 'resume'], Answer, {});
      const what = before.pausedAt ? 'resumed' : 'not paused';
      output.result(
        { service },
        `${service.name} is ${what}: its requests are decided, and what is to be cut is cut in its time`,
      );
    });
}

/** Who paused it, when and why; nothing where it is not paused. */
export function pauseOf({ pausedAt, pausedBy, pauseReason }: Service): string | undefined {
  if (!pausedAt) return undefined;
  return `by ${shortActor(pausedBy ?? 'somebody')} since ${time(pausedAt)}${pauseReason ? `, ${pauseReason}` : ''}`;
}
