import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { type Block, Blocks, listElements, View } from './blocks.ts';

/** Slack's errors for invalid blocks, each with its position: `must be … [json-pointer:/blocks/0/text]`. */
export class BlockError extends Error {
  override readonly name = 'BlockError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`Slack refuses the blocks: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** @throws BlockError */
export function readBlocks(blocks: unknown): Block[] {
  const parsed = read(Blocks, blocks, '/blocks');
  requireNoProblems(blocksProblems(parsed, '/blocks'));
  return parsed;
}

/** @throws BlockError */
export function readView(view: unknown): View {
  const parsed = read(View, view, '/view');
  const lacksSubmit = parsed.blocks.some(({ type }) => type === 'input') && !parsed.submit;
  requireNoProblems([
    ...(lacksSubmit ? [atPointer('missing required field: submit', '/view')] : []),
    ...blocksProblems(parsed.blocks, '/view/blocks'),
  ]);
  return parsed;
}

function read<S extends v.GenericSchema>(schema: S, value: unknown, pointer: string): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, value);
  if (success) return output;
  throw new BlockError(issues.map((issue) => issueProblem(issue, pointer)));
}

function requireNoProblems(problems: readonly string[]) {
  if (problems.length > 0) throw new BlockError(problems);
}

/** Checks that no schema expresses. */
function blocksProblems(blocks: readonly Block[], pointer: string): string[] {
  const blockIds = blocks.flatMap((block) => ('block_id' in block ? block.block_id : []));
  return [
    ...blocks.flatMap((block, index) => blockProblems(block, `${pointer}/${index}`)),
    ...duplicateProblems('block_id', blockIds, pointer),
  ];
}

function blockProblems(block: Block, pointer: string): string[] {
  const elements = listElements(block);
  const actionIds = elements.map(({ action_id }) => action_id);
  const hasWrongOption = elements.some(
    (element) =>
      element.type === 'static_select' &&
      !element.options.some((option) => isDeepStrictEqual(option, element.initial_option)),
  );
  return [
    ...duplicateProblems('action_id', actionIds, pointer),
    ...(hasWrongOption ? [atPointer('initial_option must match one of the options', pointer)] : []),
  ];
}

function duplicateProblems(field: string, ids: readonly string[], pointer: string): string[] {
  const duplicate = ids.find((id, index) => ids.indexOf(id) !== index);
  return duplicate === undefined ? [] : [atPointer(`${field} already exists: ${duplicate}`, pointer)];
}

function issueProblem(issue: v.BaseIssue<unknown>, pointer: string): string {
  const keys = (issue.path ?? []).map(({ key }) => String(key));
  const pointerToValue = [pointer, ...keys].join('/');
  const parent = [pointer, ...keys.slice(0, -1)].join('/');
  const field = keys.at(-1) ?? '';
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return atPointer(`invalid additional property: ${field}`, parent);
  if (issue.type === 'variant') return atPointer(`unsupported type: ${issue.input}`, pointerToValue);
  if (issue.received === 'undefined') return atPointer(`missing required field: ${field}`, parent);
  return atPointer(issue.message, pointerToValue);
}

function atPointer(problem: string, pointer: string): string {
  return `${problem} [json-pointer:${pointer}]`;
}
