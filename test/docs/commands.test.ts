import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { alike } from './answer.ts';
import { type Fence, type Page, readPages } from './page.ts';
import { sitDown } from './reader.ts';

/** `PAGE=docs/slack.md npm test test/docs/commands` follows one page alone. */
const pages = readPages().filter(({ path }) => path === (process.env.PAGE ?? path));
const hasAwsCli = spawnSync('aws', ['--version']).status === 0;

/** Languages of blocks that nobody would paste into a terminal. */
const shown = ['text', 'console', 'json', 'yaml', 'ts', 'js', 'python', 'http'];

const isCommand = ({ language, notRun }: Fence) => language === 'sh' && notRun === undefined;
const needsAwsCli = ({ fences }: Page) =>
  fences.some((fence) => isCommand(fence) && /\baws |docs\/shell\.sh/.test(fence.text));

test.each(pages)('every block of $path is run, or shown, or says why it is not run', ({ fences }) => {
  expect(fences.filter(({ language }) => ![...shown, 'sh'].includes(language))).toEqual([]);
});

/** What each block of a page printed, or how it failed. */
type Reading = ReadonlyMap<Fence, string | Error>;

const readable = pages.filter((page) => page.fences.some(isCommand) && (hasAwsCli || !needsAwsCli(page)));
const readings = new Map<Page, Promise<Reading>>();

describe('who follows a page', () => {
  // Two readers at once: one waits for linkgate most of the time.
  beforeAll(() => {
    const readers = [Promise.resolve<unknown>(undefined), Promise.resolve<unknown>(undefined)];
    for (const [index, page] of readable.entries()) {
      const reader = index % readers.length;
      const reading = Promise.resolve(readers[reader]).then(() => read(page));
      readings.set(page, reading);
      readers[reader] = reading;
    }
  });

  for (const page of pages.filter((each) => each.fences.some(isCommand)))
    (readable.includes(page) ? describe : describe.skip)(page.path, () => {
      const printed = async (fence: Fence) => {
        const outcome = (await readings.get(page))?.get(fence);
        if (typeof outcome === 'string') return outcome;
        throw outcome ?? new Error('a block above failed');
      };

      for (const [index, fence] of page.fences.entries()) {
        const command = page.fences.slice(0, index).findLast(isCommand);
        if (isCommand(fence)) {
          test(`can paste line ${fence.line}: ${fence.text.split('\n')[0]}`, async () => {
            await printed(fence);
          }, 120_000);
          for (const { line, text } of transcriptsOf(fence, page))
            test(`sees what line ${line} has it print`, async () => {
              expect(alike(await printed(fence))).toContain(alike(text.replace(/^\$ .*\n/, '')));
            });
        }
        if (fence.language === 'text' && fence.isAnswer && command)
          test(`sees what line ${fence.line} shows`, async () => {
            expect(alike(await printed(command))).toContain(alike(fence.text));
          });
      }
    });
});

for (const { path } of hasAwsCli ? [] : pages.filter(needsAwsCli))
  console.warn(`NOT CHECKED: ${path}, since the AWS CLI is not on this machine`);

/** From top to bottom, until something fails. */
async function read({ fences }: Page): Promise<Reading> {
  const reading = new Map<Fence, string | Error>();
  const reader = await sitDown();
  try {
    for (const fence of fences.filter(isCommand)) {
      const outcome = await reader.paste(fence).catch((error: Error) => error);
      reading.set(fence, outcome);
      if (typeof outcome !== 'string') break;
    }
    return reading;
  } finally {
    await reader.leave();
  }
}

/** What a page shows of a command elsewhere, with the command itself as its first line. */
function transcriptsOf({ text }: Fence, { fences }: Page): readonly Fence[] {
  return fences.filter((fence) => fence.language === 'console' && fence.text.startsWith(`$ ${text}`));
}
