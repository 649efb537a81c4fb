import { expect, test } from '@jest/globals';
import { BlockError, readBlocks, readView } from '../../../sandbox/slack/read-blocks.ts';
import { actions, button, option, plain, section, select, textField } from './fixtures.ts';

const many = <T>(count: number, one: (index: number) => T) => Array.from({ length: count }, (_, i) => one(i));
const x = (count: number) => 'x'.repeat(count);
const selectOf = (count: number) => select('choice', ...many(count, String));
const confirm = (text: string) => ({
  confirm: { title: plain('a'), text: section(text).text, confirm: plain('b'), deny: plain('c') },
});
const header = (text: string) => ({ type: 'header', text: plain(text) });
const context = (count: number) => ({ type: 'context', elements: many(count, () => section('a').text) });

function listProblems(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof BlockError) return error.problems;
    throw error;
  }
}

const tooMany = (limit: number) => `no more than ${limit} items allowed`;
const tooLong = (limit: number) => `must be less than ${limit + 1} characters`;
const first = '/0/elements/0';

test.each<[what: string, block: object | object[], problem?: string, path?: string]>([
  ['50 blocks', many(50, () => section('a'))],
  ['51 blocks', many(51, () => section('a')), tooMany(50), ''],
  ['a section of 3000 characters', section(x(3000))],
  ['a section of 3001 characters', section(x(3001)), tooLong(3000), '/0/text/text'],
  ['an empty text', section(''), 'must be more than 0 characters', '/0/text/text'],
  ['a section of nothing', { type: 'section' }, 'missing required field: text', '/0'],
  ['a header of 151 characters', header(x(151)), tooLong(150), '/0/text/text'],
  ['11 texts of context', context(11), tooMany(10), '/0/elements'],
  ['26 buttons', actions(...many(26, (index) => button('a', `a${index}`, 'v'))), tooMany(25), '/0/elements'],
  ['a button of 76 characters', actions(button(x(76), 'a', 'v')), tooLong(75), `${first}/text/text`],
  ['a value of 2001 characters', actions(button('a', 'a', x(2001))), tooLong(2000), `${first}/value`],
  ['an action_id of 256 characters', actions(button('a', x(256), 'v')), tooLong(255), `${first}/action_id`],
  [
    'a confirm dialog of 301 characters',
    actions(button('a', 'a', 'v', confirm(x(301)))),
    tooLong(300),
    `${first}/confirm/text/text`,
  ],
  ['100 options', actions(selectOf(100))],
  ['101 options', actions(selectOf(101)), tooMany(100), `${first}/options`],
  [
    'an initial option that is none of the options',
    actions({ ...selectOf(1), initial_option: option('other') }),
    'initial_option must match one of the options',
    '/0',
  ],
  ['an unknown block', { type: 'video' }, 'unsupported type: video', '/0/type'],
  ['an unknown field', { ...section('a'), colour: 'red' }, 'invalid additional property: colour', '/0'],
  [
    'two buttons of one name in a block',
    actions(button('a', 'same', 'v'), button('b', 'same', 'v')),
    'action_id already exists: same',
    '/0',
  ],
  ['two blocks of one name', many(2, () => actions(selectOf(1))), 'block_id already exists: request', ''],
])('a message with %s is validated as by Slack', (_, block, ...[problem, path]) => {
  const expected = problem === undefined ? [] : [`${problem} [json-pointer:/blocks${path}]`];
  expect(listProblems(() => readBlocks([block].flat()))).toEqual(expected);
});

test.each<[what: string, view: object, problem?: string, path?: string]>([
  ['100 blocks', { blocks: many(100, () => section('a')) }],
  ['101 blocks', { blocks: many(101, () => section('a')) }, tooMany(100), '/blocks'],
  ['a title of 25 characters', { title: plain(x(25)) }, tooLong(24), '/title/text'],
  ['metadata of 3001 characters', { private_metadata: x(3001) }, tooLong(3000), '/private_metadata'],
  ['an input and nothing to submit it', { blocks: [textField()] }, 'missing required field: submit', ''],
])('a modal with %s is validated as by Slack', (_, more, ...[problem, path]) => {
  const view = { type: 'modal', title: plain('Deny'), close: plain('Cancel'), blocks: [], ...more };
  const expected = problem === undefined ? [] : [`${problem} [json-pointer:/view${path}]`];
  expect(listProblems(() => readView(view))).toEqual(expected);
});
