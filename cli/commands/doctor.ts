import type { Command } from 'commander';
import { everyPage } from '../api-client.ts';
import { type Check, CheckPage } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { type CommonOptions, command } from '../options.ts';
import type { Output } from '../output.ts';
import type { Open } from '../session.ts';

export function doctorCommand(open: Open): Command {
  return command(
    'doctor',
    'is this deployment in order, its permissions, queues and each service, and what to do if not',
  ).action(async (options: CommonOptions) => {
    const { api, output, progress } = await open(options);
    progress.doing('looking at the deployment and at each service');
    const checks = await everyPage(api, ['doctor'], CheckPage, (page) => page.checks);
    output.result({ checks }, `${report(checks, output)}\n\n${sum(checks)}`);
    const failed = checks.filter(({ status }) => status === 'failed').length;
    if (failed > 0)
      throw new CommandError('checkFailed', failed === 1 ? 'one check failed' : `${failed} checks failed`);
  });
}

const words = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const;
const styles = { ok: 'green', warning: 'yellow', failed: 'red' } as const;

/** Group by group; what to do stands below what is not in order. */
function report(checks: readonly Check[], output: Output): string {
  return [...Map.groupBy(checks, ({ group }) => group)]
    .map(([group, ofGroup]) => `${output.paint('bold', group)}\n${rows(ofGroup, output)}`)
    .join('\n\n');
}

/** A remedy is not wrapped: it is there to be pasted. */
function rows(checks: readonly Check[], { paint }: Output): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(({ status, name, subject, detail, remedy }) => {
      const said = `  ${paint(styles[status], words[status].padEnd(7))}  ${name.padEnd(width)}  ${subject ? `${subject}: ` : ''}${detail}`;
      const remedies = remedy?.split('\n').map((line) => `           ${line}`) ?? [];
      return [said, ...remedies].join('\n');
    })
    .join('\n');
}

function sum(checks: readonly Check[]): string {
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  return `checks: ${checks.length} (ok: ${count('ok')}, warning: ${count('warning')}, failed: ${count('failed')})`;
}
