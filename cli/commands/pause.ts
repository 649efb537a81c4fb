import type { Command } from 'commander';
import * as v from 'valibot';
import { shellWord } from '../../lib/values/shell-word.ts';
import { Service, Warnings } from '../api-views.ts';
import { confirm } from '../confirm.ts';
import { type CommonOptions, command, serviceArgument, yesOption } from '../options.ts';
import { shortActor, time } from '../output.ts';
import type { Io } from '../process-io.ts';
import type { OpenSession } from '../session.ts';

const Answer = v.looseObject({ service: Service });
const Resumption = v.looseObject({ disconnects: v.array(v.unknown()), warnings: Warnings });
const Resumed = v.looseObject({ ...Answer.entries, ...Resumption.entries });

interface PauseOptions extends CommonOptions {
  readonly reason?: string;
}

interface ResumeOptions extends CommonOptions {
  readonly yes?: true | undefined;
}

export function pauseCommands(open: OpenSession, world: Io): readonly Command[] {
  return [pauseCommand(open), resumeCommand(open, world)];
}

function pauseCommand(open: OpenSession): Command {
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
        `${service.name} is paused: ${pauseOf(service)}\nits requests wait and its connections stay, whatever is to be cut, until:\n  linkgate resume ${shellWord(service.name)}`,
      );
    });
}

/** What fell due during the pause is cut at once: that is said first, and asked. */
function resumeCommand(open: OpenSession, world: Io): Command {
  return command('resume', 'decide the requests to a paused service again, and what is to be cut')
    .addArgument(serviceArgument())
    .addOption(yesOption())
    .action(async (named: string, { yes, ...common }: ResumeOptions) => {
      const { api, output, progress } = await open(common);
      const path = ['services', named];
      const { service: before } = await api.call('GET', path, Answer);
      const foretold = await api.call('GET', [...path, 'resumption'], Resumption);
      if (foretold.disconnects.length > 0) {
        progress.doing('');
        const what = (foretold.warnings ?? []).map((each) => `  ${each}`).join('\n');
        await confirm(`What fell due during the pause:\n${what}\nResume ${before.name}?`, { yes }, world);
      }
      const { service, disconnects, warnings } = await api.call('POST', [...path, 'resume'], Resumed, {});
      const what = before.pausedAt ? 'resumed' : 'not paused';
      output.result(
        { service, disconnects },
        `${service.name} is ${what}: its requests are decided, and what is to be cut is cut in its time`,
      );
      output.warn(warnings);
    });
}

/** Who paused it, when and why; nothing where it is not paused. */
export function pauseOf({ pausedAt, pausedBy, pauseReason }: Service): string | undefined {
  if (!pausedAt) return undefined;
  return `by ${shortActor(pausedBy ?? 'somebody')} since ${time(pausedAt)}${pauseReason ? `, ${pauseReason}` : ''}`;
}
