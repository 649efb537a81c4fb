import { readAllPages } from '../api-client.ts';
import { type Check, CheckPage } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { splitMarkedLines } from '../control-characters.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import type { Output } from '../output.ts';

interface DoctorOptions extends CommonOptions {
  readonly all?: true;
}

export function runDoctor({ open }: HandlerDeps) {
  return async ({ all, ...common }: DoctorOptions) => {
    const { api, output, progress } = await open(common);
    progress.report('looking at the deployment and at each service');
    const checks = await readAllPages(api, ['doctor'], CheckPage, (page) => page.checks);
    output.result({ checks }, `${formatReport(checks, all === true, output)}\n\n${formatSummary(checks)}`);
    const failed = checks.filter(({ status }) => status === 'failed').length;
    if (failed > 0)
      throw new CommandError('checkFailed', failed === 1 ? 'one check failed' : `${failed} checks failed`);
  };
}

const statusTexts = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const;
const statusStyles = { ok: 'green', warning: 'yellow', failed: 'red' } as const;

/** Lists the checks by group, with the remedy below each failed check. */
function formatReport(checks: readonly Check[], isWhole: boolean, output: Output): string {
  return [...Map.groupBy(checks, ({ group }) => group)]
    .map(
      ([group, groupChecks]) =>
        `${output.paint('bold', group)}\n${formatChecks(groupChecks, isWhole, output)}`,
    )
    .join('\n\n');
}

function formatChecks(checks: readonly Check[], isWhole: boolean, output: Output): string {
  const passedChecks = checks.filter(({ status }) => status === 'ok');
  const isFolded = !isWhole && passedChecks.length > 1;
  const listedChecks = isFolded ? checks.filter(({ status }) => status !== 'ok') : checks;
  const width = Math.max(...listedChecks.map(({ name }) => name.length));
  const lines = listedChecks.flatMap(({ status, name, subject, detail, remedy }) => [
    `${formatStatus(status, output)}${name.padEnd(width)}  ${subject ? `${subject}: ` : ''}${detail}`,
    ...remedyLines(remedy, output),
  ]);
  return [...(isFolded ? foldedLines(passedChecks, output) : []), ...lines].join('\n');
}

/** Counts and names the passed checks. */
function foldedLines(checks: readonly Check[], output: Output): string[] {
  const names = [...new Set(checks.map(({ name }) => name))].join(', ');
  const [first = '', ...more] = wrapText(`${checks.length} checks: ${names}`, output.width - indent.length);
  return [`${formatStatus('ok', output)}${first}`, ...more.map((line) => indent + line)];
}

/** Formats the remedy. A command stays on one line, so that people can paste it. */
function remedyLines(remedy: string | null | undefined, { width }: Output): string[] {
  const lines = remedy ? splitMarkedLines(remedy) : [];
  return lines
    .flatMap((line) => (isCommand.test(line) ? [line] : wrapText(line, width - indent.length)))
    .map((line) => indent + line);
}

const isCommand = /^(aws|linkgate|npx) /;
const indent = ' '.repeat(11);

function formatStatus(status: Check['status'], { paint }: Output): string {
  return `  ${paint(statusStyles[status], statusTexts[status].padEnd(7))}  `;
}

/** Wraps a text at word boundaries to lines of at most this many characters. */
function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function formatSummary(checks: readonly Check[]): string {
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  return `checks: ${checks.length} (ok: ${count('ok')}, warning: ${count('warning')}, failed: ${count('failed')})`;
}
