import { expect, test } from '@jest/globals';
import { BlockError, readBlocks, readView } from '../../../sandbox/slack/read-blocks.ts';
import { button, section } from './fixtures.ts';

const plain = (text: string) => ({ type: 'plain_text', text });
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const many = <T>(count: number, one: (index: number) => T) => Array.from({ length: count }, (_, i) => one(i));
const option = (value: string) => ({ text: plain(value), value });
const select = (count: number, more: object = {}) => ({
  type: 'static_select',
  action_id: 'choice',
  options: many(count, (index) => option(`${index}`)),
  ...more,
});
const input = (element: object) => ({ type: 'input', label: plain('Reason'), element });
const modal = (more: object = {}) => ({ type: 'modal', title: plain('Deny'), blocks: [], ...more });
const x = (count: number) => 'x'.repeat(count);

function listProblems(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof BlockError) return error.problems;
    throw error;
  }
}

const at = (problem: string, path: string) => `${problem} [json-pointer:/${path}]`;
const tooMany = (limit: number, path: string) => at(`no more than ${limit} items allowed`, path);
const tooLong = (length: number, path: string) => at(`must be less than ${length} characters`, path);
const header = { type: 'header', text: plain('a') };
const confirm = (text: string) => ({
  confirm: { title: plain('a'), text: plain(text), confirm: plain('b'), deny: plain('c') },
});
const inFirstBlock = 'blocks/0/elements/0';

test.each<[what: string, block: object | object[], problem: string | undefined]>([
  ['50 blocks', many(50, () => header), undefined],
  ['51 blocks', many(51, () => header), tooMany(50, 'blocks')],
  ['a section of 3000 characters', section(x(3000)), undefined],
  ['a section of 3001 characters', section(x(3001)), tooLong(3001, 'blocks/0/text/text')],
  ['an empty text', section(''), at('must be more than 0 characters', 'blocks/0/text/text')],
  ['a header of 151 characters', { type: 'header', text: plain(x(151)) }, tooLong(151, 'blocks/0/text/text')],
  [
    '11 texts of context',
    { type: 'context', elements: many(11, () => plain('a')) },
    tooMany(10, 'blocks/0/elements'),
  ],
  [
    '26 buttons',
    actions(...many(26, (index) => button('a', `a${index}`, 'v'))),
    tooMany(25, 'blocks/0/elements'),
  ],
  ['a button of 76 characters', actions(button(x(76), 'a', 'v')), tooLong(76, `${inFirstBlock}/text/text`)],
  ['a value of 2001 characters', actions(button('a', 'a', x(2001))), tooLong(2001, `${inFirstBlock}/value`)],
  [
    'an action_id of 256 characters',
    actions(button('a', x(256), 'v')),
    tooLong(256, `${inFirstBlock}/action_id`),
  ],
  [
    'a confirm dialog of 301 characters',
    actions(button('a', 'a', 'v', confirm(x(301)))),
    tooLong(301, `${inFirstBlock}/confirm/text/text`),
  ],
  ['100 options', actions(select(100)), undefined],
  ['101 options', actions(select(101)), tooMany(100, `${inFirstBlock}/options`)],
  [
    'an initial option that is none of the options',
    actions(select(1, { initial_option: option('other') })),
    at('initial_option must match one of the options', 'blocks/0'),
  ],
  ['an unknown block', { type: 'video' }, at('unsupported type: video', 'blocks/0/type')],
  ['an unknown field', { ...header, colour: 'red' }, at('invalid additional property: colour', 'blocks/0')],
  [
    'two buttons of one name in a block',
    actions(button('a', 'same', 'v'), button('b', 'same', 'v')),
    at('action_id already exists: same', 'blocks/0'),
  ],
  [
    'two blocks of one name',
    many(2, () => ({ ...header, block_id: 'same' })),
    at('block_id already exists: same', 'blocks'),
  ],
])('a message with %s is validated as by Slack', (_, block, problem) => {
  expect(listProblems(() => readBlocks([block].flat()))).toEqual(problem === undefined ? [] : [problem]);
});

test.each<[what: string, view: object, problem: string | undefined]>([
  ['100 blocks', { blocks: many(100, () => header) }, undefined],
  ['101 blocks', { blocks: many(101, () => header) }, tooMany(100, 'view/blocks')],
  ['a title of 25 characters', { title: plain(x(25)) }, tooLong(25, 'view/title/text')],
  ['metadata of 3001 characters', { private_metadata: x(3001) }, tooLong(3001, 'view/private_metadata')],
  [
    'an input and nothing to submit it',
    { blocks: [input({ type: 'plain_text_input', action_id: 'reason' })] },
    at('missing required field: submit', 'view'),
  ],
])('a modal with %s is validated as by Slack', (_, view, problem) => {
  expect(listProblems(() => readView(modal(view)))).toEqual(problem === undefined ? [] : [problem]);
});

test('blocks without ids get generated ones', () => {
  expect(readBlocks([section('a')])).toEqual([{ ...section('a'), block_id: expect.any(String) }]);
});
