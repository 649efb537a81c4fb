import { Check } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { splitMarkedLines } from '../control-characters.ts';
import { type Output, wrapText } from '../output.ts';
import type { Session } from '../session.ts';

export async function runDoctor(
  { api, output, progress, connect }: Session,
  { all = false }: { readonly all?: boolean },
) {
  await connect();
  progress.report('looking at the deployment and at each service');
  const checks = await api.list(['doctor'], 'checks', Check);
  const failed = countChecks('failed', checks);
  const summary = `checks: ${checks.length} (ok: ${countChecks('ok', checks)}, warning: ${countChecks('warning', checks)}, failed: ${failed})`;
  output.result({ checks }, `${formatReport(checks, all, output)}\n\n${summary}`);
  if (failed > 0)
    throw new CommandError('checkFailed', failed === 1 ? 'one check failed' : `${failed} checks failed`);
}

function countChecks(status: Check['status'], checks: readonly Check[]): number {
  return checks.filter((check) => check.status === status).length;
}

const statuses = {
  ok: { text: 'ok', style: 'green' },
  warning: { text: 'warning', style: 'yellow' },
  failed: { text: 'FAILED', style: 'red' },
} as const;

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
  const listedChecks = isFolded ? checks.filter((check) => !passedChecks.includes(check)) : checks;
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
  const { text, style } = statuses[status];
  return `  ${paint(style, text.padEnd(7))}  `;
}
