import { ModeView } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { keyValues, type Output, time } from '../output.ts';
import type { Session } from '../session.ts';

const modeTexts: Readonly<Record<string, string>> = {
  enforce: 'linkgate decides, and accepts and rejects in EC2',
  observe: 'linkgate decides and writes down what it would do, and changes nothing in EC2',
};

export async function showOrSetMode(
  { api, output }: Session,
  mode: string | undefined,
  { reason }: { readonly reason?: string },
) {
  if (mode === undefined && reason !== undefined)
    throw new CommandError('usageError', '--reason goes with a mode: linkgate mode observe --reason "…"');
  const { warnings: _warnings, ...modeView } =
    mode === undefined
      ? await api.call('GET', ['mode'], ModeView)
      : await api.call('PUT', ['mode'], ModeView, { body: { mode, reason } });
  output.result(modeView, formatMode(modeView, output));
}

function formatMode({ mode, since, by, reason }: ModeView, output: Output): string {
  const details = keyValues(
    [
      ['since', since && time(since)],
      ['by', by],
      ['reason', reason],
    ],
    output,
  );
  return `${output.paint('bold', mode)}: ${modeTexts[mode] ?? ''}\n\n${details}`;
}
