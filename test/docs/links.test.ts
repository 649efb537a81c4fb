import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readPage, readPages, root, withoutCode } from './page.ts';

const pages = readPages();

/** Returns Markdown links and the sources of HTML images. */
const listLinks = (text: string) =>
  [...text.matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g)].map(([, link, picture]) => link ?? picture ?? '');
const isExternal = (target: string) => /^[a-z]+:/.test(target);

describe.each(pages)('the links of $path', (page) => {
  const own = listLinks(withoutCode(page)).filter((target) => !isExternal(target));

  test('have existing targets', () => {
    expect(own.filter((target) => !linkExists(page.path, target))).toEqual([]);
  });
});

test('the README links every page', () => {
  const reached = new Set(listLinks(readPage('README.md').text));
  expect(pages.map(({ path }) => path).filter((path) => path !== 'README.md' && !reached.has(path))).toEqual(
    [],
  );
});

function linkExists(from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : join(from, '..', file);
  if (!existsSync(root + path)) return false;
  return anchor === undefined || (statSync(root + path).isFile() && listAnchors(path).includes(anchor));
}

/** Returns the anchors that GitHub generates from headings. */
function listAnchors(path: string): string[] {
  return [...withoutCode(readPage(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each([
  ['the pages for users', 16_800, (path: string) => !path.startsWith('docs/contributing/')],
  ['the pages for contributors', 3_200, (path: string) => path.startsWith('docs/contributing/')],
] as const)('%s that are written by hand stay short: at most %i words', (_name, limit, isIncluded) => {
  const words = readPages()
    .filter(({ path }) => path !== 'docs/commands.md' && isIncluded(path))
    .flatMap(({ text }) => text.split(/\s+/).filter((word) => /[\p{L}\d]/u.test(word)));
  expect(words.length).toBeLessThanOrEqual(limit);
});
