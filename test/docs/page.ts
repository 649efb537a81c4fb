import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A code block of a page, with the settings of the HTML comment before it. */
export interface Fence {
  readonly language: string;
  readonly text: string;
  /** The line number of its first line of text. */
  readonly line: number;
  /** `<!-- not run: … -->`: the reason why the test does not run it. */
  readonly notRun?: string;
  /** `<!-- exits with 3 -->`: the exit code of its last command. */
  readonly exitsWith: number;
  /** Whether it directly follows another block and shows its output. */
  readonly isOutput: boolean;
}

export interface Page {
  /** The path from the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly fences: readonly Fence[];
}

export function readPages(): readonly Page[] {
  return globSync(['README.md', 'docs/**/*.md'], { cwd: root }).sort().map(readPage);
}

export function readPage(path: string): Page {
  const text = readFileSync(`${root}${path}`, 'utf8');
  return { path, text, fences: parseFences(text) };
}

/** Returns the text with code blocks replaced by empty lines. */
export function withoutCode({ text }: Page): string {
  return text.replace(block, (code) => '\n'.repeat(code.split('\n').length - 1));
}

/** Returns the section below a heading, up to the next heading. */
export function findSection({ path, text }: Page, heading: string): string {
  const [before = '', after] = text.split(new RegExp(`^#+ ${heading}\n`, 'm'));
  if (after === undefined)
    throw new Error(`${path} has no section \`${heading}\` after ${before.length} characters`);
  return after.split(/^#+ /m)[0] ?? '';
}

/** Returns the rows of the first table in a text by column name. */
export function parseTable(text: string): readonly Readonly<Record<string, string>>[] {
  const lines = text.split('\n');
  const start = lines.findIndex(
    (line, index) => line.startsWith('|') && /^\|[ :|-]+\|$/.test(lines[index + 1] ?? ''),
  );
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  const [head = [], , ...rows] = lines.slice(start, length < 0 ? undefined : start + length).map(splitCells);
  return rows.map((cells) => Object.fromEntries(head.map((title, index) => [title, cells[index] ?? ''])));
}

const block = /^ *```[^\n]*\n[\s\S]*?^ *```$/gm;
const parts =
  /(?<before>(?:<!-- (?:[^\n]*?) -->\s*)?)^(?<indent> *)```(?<language>\S*)\n(?<code>[\s\S]*?)^ *```$/gm;

function parseFences(text: string): readonly Fence[] {
  let end = -1;
  return [...text.matchAll(parts)].map((match) => {
    const { before = '', indent = '', language = '', code = '' } = match.groups ?? {};
    const notRun = /<!-- not run: (.+) -->/.exec(before)?.[1];
    const isOutput = end >= 0 && text.slice(end, match.index).trim() === '' && before === '';
    end = match.index + match[0].length;
    return {
      language,
      text: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      line: text.slice(0, match.index + match[0].indexOf('```')).split('\n').length + 1,
      ...(notRun !== undefined && { notRun }),
      exitsWith: Number(/<!-- exits with (\d+) -->/.exec(before)?.[1] ?? 0),
      isOutput,
    };
  });
}

function splitCells(row: string): string[] {
  return row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}
