import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { normalizeOutput } from './normalize-output.ts';
import { type Fence, type Page, readPages } from './page.ts';
import { startShell } from './shell.ts';

/** `PAGE=docs/slack.md npm test test/docs/commands` runs one page only. */
const pages = readPages().filter(({ path }) => path === (process.env.PAGE ?? path));
const hasAwsCli = spawnSync('aws', ['--version']).status === 0;

/** The languages of blocks that are not commands. */
const displayedLanguages = ['text', 'console', 'json', 'yaml', 'ts', 'js', 'python', 'http', 'mermaid'];

const isCommand = ({ language, notRun }: Fence) => language === 'sh' && notRun === undefined;
const needsAwsCli = ({ fences }: Page) =>
  fences.some((fence) => isCommand(fence) && /\baws |docs\/shell\.sh/.test(fence.text));

test.each(pages)(
  'every block of $path is run, is displayed only, or states why it is not run',
  ({ fences }) => {
    expect(fences.filter(({ language }) => ![...displayedLanguages, 'sh'].includes(language))).toEqual([]);
  },
);

/** The output or the error of each block of a page. */
type PageRun = ReadonlyMap<Fence, string | Error>;

const runnablePages = pages.filter(
  (page) => page.fences.some(isCommand) && (hasAwsCli || !needsAwsCli(page)),
);
const pageRuns = new Map<Page, Promise<PageRun>>();

describe('the commands of a page', () => {
  // Two pages run concurrently, because each mostly waits for linkgate.
  beforeAll(() => {
    const readers = [Promise.resolve<unknown>(undefined), Promise.resolve<unknown>(undefined)];
    for (const [index, page] of runnablePages.entries()) {
      const reader = index % readers.length;
      const reading = Promise.resolve(readers[reader]).then(() => runPage(page));
      pageRuns.set(page, reading);
      readers[reader] = reading;
    }
  });

  for (const page of pages.filter((each) => each.fences.some(isCommand)))
    (runnablePages.includes(page) ? describe : describe.skip)(page.path, () => {
      const readOutput = async (fence: Fence) => {
        const outcome = (await pageRuns.get(page))?.get(fence);
        if (typeof outcome === 'string') return outcome;
        throw outcome ?? new Error('a block above failed');
      };

      for (const [index, fence] of page.fences.entries()) {
        const command = page.fences.slice(0, index).findLast(isCommand);
        if (isCommand(fence)) {
          test(`run at line ${fence.line}: ${fence.text.split('\n')[0]}`, async () => {
            await readOutput(fence);
          }, 300_000);
          for (const { line, text } of findTranscripts(fence, page))
            test(`print the transcript of line ${line}`, async () => {
              expect(normalizeOutput(await readOutput(fence))).toContain(
                normalizeOutput(text.replace(/^\$ .*\n/, '')),
              );
            });
        }
        if (fence.language === 'text' && fence.isOutput && command)
          test(`print the output of line ${fence.line}`, async () => {
            expect(normalizeOutput(await readOutput(command))).toContain(normalizeOutput(fence.text));
          });
      }
    });
});

for (const { path } of hasAwsCli ? [] : pages.filter(needsAwsCli))
  console.warn(`NOT CHECKED: ${path}, since the AWS CLI is not on this machine`);

/** Runs the blocks of a page in order until one fails. */
async function runPage({ fences }: Page): Promise<PageRun> {
  const reading = new Map<Fence, string | Error>();
  const reader = await startShell();
  try {
    for (const fence of fences.filter(isCommand)) {
      const outcome = await reader.run(fence).catch((error: Error) => error);
      reading.set(fence, outcome);
      if (typeof outcome !== 'string') break;
    }
    return reading;
  } finally {
    await reader.close();
  }
}

/** Finds the transcripts of a command elsewhere in a page: blocks with the command as their first line. */
function findTranscripts({ text }: Fence, { fences }: Page): readonly Fence[] {
  return fences.filter((fence) => fence.language === 'console' && fence.text.startsWith(`$ ${text}`));
}
