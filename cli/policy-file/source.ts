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

/** A parsed YAML file. */
export interface Source {
  readonly file: string;
  readonly value: unknown;
  /** Finds the position of a value or its key; that of the nearest parent if the value is missing. */
  findPosition(path: Path, target?: 'key'): SourcePosition;
  /** Reads the original text of a scalar: YAML parses `0x1F` as 31. */
  readLiteral(path: Path): string | undefined;
}

/** The maximum number of expanded aliases: more than people write, and few enough for the memory. */
const maxAliasCount = 100_000;

/**
 * Parses a YAML file.
 * @returns the YAML problems of an invalid file
 */
export function parseSource(file: string, text: string): Source | readonly Problem[] {
  const lines = new LineCounter();
  const toPosition = (offset: number): SourcePosition => {
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
        message: describeYamlError(error, toPosition(error.pos[0])),
      })),
      ...findVersionProblems(document, text),
      ...findAliasProblems(document),
    ];
    if (problems.length > 0)
      return problems.map(({ offset, message }) => ({ position: toPosition(offset), message }));
    return {
      file,
      value: document.toJS({ maxAliasCount }),
      findPosition: (path, target) => toPosition(findOffset(document, path, target)),
      readLiteral: (path) => readNodeLiteral(document, path),
    };
  } catch (error) {
    // The document is nested too deeply, or its aliases expand to too many nodes.
    return [{ position: toPosition(0), message: `it cannot be read: ${(error as Error).message}` }];
  }
}

function describeYamlError({ code, message }: YAMLError, { line }: SourcePosition): string {
  if (code === 'DUPLICATE_KEY') return 'this key is here already';
  if (code === 'MULTIPLE_DOCS')
    return `a policy file holds one document, and line ${line} begins a second one`;
  return message;
}

/** YAML 1.1 parses digits with a leading zero as octal, and `no` as `false`. */
function findVersionProblems({ directives }: Document.Parsed, text: string): readonly YamlProblem[] {
  const { version, explicit = false } = directives.yaml;
  return explicit && version !== '1.2'
    ? [{ offset: text.indexOf('%YAML'), message: 'a policy file is read as YAML 1.2: leave this line out' }]
    : [];
}

interface YamlProblem {
  readonly offset: number;
  readonly message: string;
}

/** Finds aliases without an anchor, and merges of values that are not maps. */
function findAliasProblems(document: Document): readonly YamlProblem[] {
  const anchors = new Map<string, Node>();
  const problems: YamlProblem[] = [];
  const isMergeable = (node: unknown): boolean => {
    const resolvedNode = isAlias(node) ? anchors.get(node.source) : node;
    return isMap(resolvedNode) || (isSeq(resolvedNode) && resolvedNode.items.every(isMergeable));
  };
  visit(document, {
    Pair(_key, { key, value }) {
      if (isMerge(key) && !isMergeable(value) && !(isAlias(value) && !anchors.has(value.source)))
        problems.push({ offset: readStartOffset(key), message: '`<<` takes a map, or a list of maps' });
    },
    Node(_key, node) {
      if (isAlias(node) && !anchors.has(node.source))
        problems.push({
          offset: readStartOffset(node),
          message: `there is no \`&${node.source}\` before this`,
        });
      else if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return problems;
}

function isMerge(key: unknown): key is Node {
  return isScalar(key) && key.type === 'PLAIN' && (key.value === '<<' || typeof key.value === 'symbol');
}

/** Finds the offset of the last existing node of the path, or of its key if the value is no scalar. */
function findOffset(document: Document, path: Path, target?: 'key'): number {
  let node: unknown = document.contents;
  let offset = readStartOffset(node);
  for (const key of path) {
    const item = findItem(document, node, key);
    if (!item) break;
    node = isPair(item) ? item.value : item;
    const isOfKey = isPair(item) && (target === 'key' || !isNonNullScalar(item.value));
    offset = readStartOffset(isOfKey ? item.key : node);
  }
  return offset;
}

function readNodeLiteral(document: Document, path: Path): string | undefined {
  let node: unknown = document.contents;
  for (const key of path) {
    const item = findItem(document, node, key);
    node = isPair(item) ? item.value : item;
  }
  const resolvedNode = isAlias(node) ? node.resolve(document) : node;
  return isScalar(resolvedNode) ? resolvedNode.source : undefined;
}

/** Whether a value is a scalar other than null. */
function isNonNullScalar(value: unknown): boolean {
  return isScalar(value) && value.value !== null;
}

/** Reads an item of a list, or the value of a map key, including merged maps. */
function findItem(document: Document, node: unknown, key: PropertyKey): Node | Pair | undefined {
  const resolvedNode = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(resolvedNode)) return resolvedNode.items[Number(key)] as Node | undefined;
  if (!isMap(resolvedNode)) return undefined;
  const own = resolvedNode.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  return (
    own ??
    resolvedNode.items
      .filter((pair) => isMerge(pair.key))
      .reduce<Node | Pair | undefined>(
        (match, { value }) => match ?? findMergedItem(document, value, key),
        undefined,
      )
  );
}

function findMergedItem(document: Document, value: unknown, key: PropertyKey): Node | Pair | undefined {
  const resolvedNode = isAlias(value) ? value.resolve(document) : value;
  const maps = isSeq(resolvedNode) ? resolvedNode.items : [resolvedNode];
  return maps.reduce<Node | Pair | undefined>(
    (match, map) => match ?? findItem(document, map, key),
    undefined,
  );
}

function readStartOffset(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
