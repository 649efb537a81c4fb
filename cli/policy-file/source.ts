import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import type { Problem, SourcePosition } from './problem.ts';

export type Path = readonly PropertyKey[];

/** A YAML file that was read. */
export interface Source {
  readonly file: string;
  readonly value: unknown;
  /** The position of a value or its key; of the nearest parent if the value is missing. */
  placeOf(path: Path, of?: 'key'): SourcePosition;
  /** The letters of a value that is a word or a number: YAML takes `0x1F` for 31. */
  lettersOf(path: Path): string | undefined;
}

/** The maximum number of expanded aliases: more than people write, and little enough for the memory. */
const maxAliasCount = 100_000;

/** @returns what YAML has against it, where it is none */
export function parseSource(file: string, text: string): Source | readonly Problem[] {
  const lines = new LineCounter();
  const place = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
      stringKeys: true,
    });
    const problems = [
      ...[...document.errors, ...document.warnings].map((error) => ({
        offset: error.pos[0],
        message: inOurWords(error, place(error.pos[0])),
      })),
      ...otherVersion(document, text),
      ...brokenAliases(document),
    ];
    if (problems.length > 0)
      return problems.map(({ offset, message }) => ({ place: place(offset), message }));
    return {
      file,
      value: document.toJS({ maxAliasCount }),
      placeOf: (path, of) => place(offsetOf(document, path, of)),
      lettersOf: (path) => lettersOf(document, path),
    };
  } catch (error) {
    // Too deep to be read, or aliases of aliases of aliases.
    return [{ place: place(0), message: `it cannot be read: ${(error as Error).message}` }];
  }
}

function inOurWords({ code, message }: YAMLError, { line }: SourcePosition): string {
  if (code === 'DUPLICATE_KEY') return 'this key is here already';
  if (code === 'MULTIPLE_DOCS')
    return `a policy file holds one document, and line ${line} begins a second one`;
  return message;
}

/** YAML 1.1 takes digits with a zero before them for octal ones, and `no` for `false`. */
function otherVersion({ directives }: Document.Parsed, text: string): readonly Broken[] {
  const { version, explicit = false } = directives.yaml;
  return explicit && version !== '1.2'
    ? [{ offset: text.indexOf('%YAML'), message: 'a policy file is read as YAML 1.2: leave this line out' }]
    : [];
}

interface Broken {
  readonly offset: number;
  readonly message: string;
}

/** Aliases of nothing, and merges of what has no keys. */
function brokenAliases(document: Document): readonly Broken[] {
  const anchors = new Map<string, Node>();
  const broken: Broken[] = [];
  const isMergeable = (node: unknown): boolean => {
    const meant = isAlias(node) ? anchors.get(node.source) : node;
    return isMap(meant) || (isSeq(meant) && meant.items.every(isMergeable));
  };
  visit(document, {
    Pair(_key, { key, value }) {
      if (isMerge(key) && !isMergeable(value) && !(isAlias(value) && !anchors.has(value.source)))
        broken.push({ offset: startOf(key), message: '`<<` takes a map, or a list of maps' });
    },
    Node(_key, node) {
      if (isAlias(node) && !anchors.has(node.source))
        broken.push({ offset: startOf(node), message: `there is no \`&${node.source}\` before this` });
      else if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return broken;
}

function isMerge(key: unknown): key is Node {
  return isScalar(key) && key.type === 'PLAIN' && (key.value === '<<' || typeof key.value === 'symbol');
}

/** The offset of the last existing part of the path; of its key if the value is no scalar. */
function offsetOf(document: Document, path: Path, of?: 'key'): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const key of path) {
    const found = within(document, node, key);
    if (!found) break;
    node = isPair(found) ? found.value : found;
    const isOfKey = isPair(found) && (of === 'key' || !isWord(found.value));
    offset = startOf(isOfKey ? found.key : node);
  }
  return offset;
}

function lettersOf(document: Document, path: Path): string | undefined {
  let node: unknown = document.contents;
  for (const key of path) {
    const found = within(document, node, key);
    node = isPair(found) ? found.value : found;
  }
  const meant = isAlias(node) ? node.resolve(document) : node;
  return isScalar(meant) ? meant.source : undefined;
}

/** Whether a value is a scalar other than null. */
function isWord(value: unknown): boolean {
  return isScalar(value) && value.value !== null;
}

/** The item of a list or of a map under a key, merged maps included. */
function within(document: Document, node: unknown, key: PropertyKey): Node | Pair | undefined {
  const meant = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(meant)) return meant.items[Number(key)] as Node | undefined;
  if (!isMap(meant)) return undefined;
  const own = meant.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  return (
    own ??
    meant.items
      .filter((pair) => isMerge(pair.key))
      .reduce<Node | Pair | undefined>(
        (found, { value }) => found ?? withinMerged(document, value, key),
        undefined,
      )
  );
}

function withinMerged(document: Document, value: unknown, key: PropertyKey): Node | Pair | undefined {
  const meant = isAlias(value) ? value.resolve(document) : value;
  const maps = isSeq(meant) ? meant.items : [meant];
  return maps.reduce<Node | Pair | undefined>((found, map) => found ?? within(document, map, key), undefined);
}

function startOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
