import * as v from 'valibot';
import { ModeView, Warnings } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { keyValues, type Output, time } from '../output.ts';

const ModeResponse = v.looseObject({ ...ModeView.entries, warnings: Warnings });

interface ModeOptions extends CommonOptions {
  readonly reason?: string;
}

const modeTexts: Readonly<Record<string, string>> = {
  enforce: 'linkgate decides, and accepts and rejects in EC2',
  observe: 'linkgate decides and writes down what it would do, and changes nothing in EC2',
};

export function showOrSetMode({ open }: HandlerDeps) {
  return async (mode: string | undefined, { reason, ...common }: ModeOptions) => {
    if (mode === undefined && reason !== undefined)
      throw new CommandError('usageError', '--reason goes with a mode: linkgate mode observe --reason "…"');
    const { api, output } = await open(common);
    const { warnings, ...modeView } =
      mode === undefined
        ? await api.call('GET', ['mode'], ModeResponse)
        : await api.call('PUT', ['mode'], ModeResponse, { body: { mode, reason } });
    output.result(modeView, formatMode(modeView, output));
    output.warn(warnings);
  };
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
