import { randomBytes } from 'node:crypto';
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
  return withIds(read(Blocks, blocks, '/blocks'), '/blocks');
}

/** @throws BlockError */
export function readView(view: unknown): View {
  const parsed = read(View, view, '/view');
  const hasInput = parsed.blocks.some(({ type }) => type === 'input');
  if (hasInput && !parsed.submit)
    throw new BlockError([atPointer('missing required field: submit', '/view')]);
  return { ...parsed, blocks: withIds(parsed.blocks, '/view/blocks') };
}

function read<S extends v.GenericSchema>(schema: S, value: unknown, pointer: string): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, value);
  if (success) return output;
  throw new BlockError(issues.map((issue) => issueProblem(issue, pointer)));
}

/** Slack generates ids for blocks without one. */
function withIds(blocks: readonly Block[], pointer: string): Block[] {
  const problems = blocks.flatMap((block, index) => blockProblems(block, `${pointer}/${index}`));
  const blockIds = blocks.flatMap(({ block_id }) => block_id ?? []);
  const twice = blockIds.find((name, index) => blockIds.indexOf(name) !== index);
  if (twice !== undefined) problems.push(atPointer(`block_id already exists: ${twice}`, pointer));
  if (problems.length > 0) throw new BlockError(problems);
  return blocks.map((block) => ({ block_id: randomBytes(4).toString('base64url').slice(0, 5), ...block }));
}

/** Checks that no schema expresses. */
function blockProblems(block: Block, pointer: string): string[] {
  const problems: string[] = [];
  const names = listElements(block).map(({ action_id }) => action_id);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) problems.push(atPointer(`action_id already exists: ${twice}`, pointer));
  for (const element of listElements(block)) {
    if (element.type !== 'static_select' || !element.initial_option) continue;
    const { value, text } = element.initial_option;
    const isOption = element.options.some((each) => each.value === value && each.text.text === text.text);
    if (!isOption) problems.push(atPointer('initial_option must match one of the options', pointer));
  }
  return problems;
}

function issueProblem(issue: v.BaseIssue<unknown>, pointer: string): string {
  const keys = (issue.path ?? []).map(({ key }) => String(key));
  const pointerToValue = [pointer, ...keys].join('/');
  const parent = [pointer, ...keys.slice(0, -1)].join('/');
  const field = keys.at(-1) ?? '';
  const isText = typeof issue.input === 'string';
  const limit = Number(issue.requirement);
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return atPointer(`invalid additional property: ${field}`, parent);
  if (issue.type === 'variant') return atPointer(`unsupported type: ${issue.input}`, pointerToValue);
  if (issue.received === 'undefined') return atPointer(`missing required field: ${field}`, parent);
  if (issue.type === 'max_length')
    return atPointer(
      isText ? `must be less than ${limit + 1} characters` : `no more than ${limit} items allowed`,
      pointerToValue,
    );
  if (issue.type === 'min_length')
    return atPointer(
      isText ? `must be more than ${limit - 1} characters` : `no fewer than ${limit} items allowed`,
      pointerToValue,
    );
  return atPointer(issue.message, pointerToValue);
}

function atPointer(problem: string, pointer: string): string {
  return `${problem} [json-pointer:${pointer}]`;
}
