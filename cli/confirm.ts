import { CommandError } from './command-error.ts';
import type { Session } from './session.ts';

/**
 * Continues only if a person agrees, at the terminal or by `--yes`.
 * @param question describes the change, and asks for agreement
 * @throws CommandError
 */
export async function confirm(
  question: string,
  { yes }: { readonly yes?: true | undefined },
  { io: { stdin, stderr }, output, progress }: Session,
): Promise<void> {
  progress.report('');
  output.printWarnings();
  if (yes) return;
  if (!stdin?.isTTY)
    throw new CommandError('usageError', 'nobody can be asked here, so nothing was done: say --yes');
  stderr.write(`${question} [y/N] `);
  const answer = await readFirstLine(stdin.lines({ isEchoed: true }));
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError('failed', 'nothing was done');
}

async function readFirstLine(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) return line;
  return '';
}
