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

test.each<[what: string, blocks: object[], problem: string | undefined]>([
  ['50 blocks', many(50, () => ({ type: 'divider' })), undefined],
  [
    '51 blocks',
    many(51, () => ({ type: 'divider' })),
    'no more than 50 items allowed [json-pointer:/blocks]',
  ],
  ['a section of 3000 characters', [section(x(3000))], undefined],
  [
    'a section of 3001 characters',
    [section(x(3001))],
    'must be less than 3001 characters [json-pointer:/blocks/0/text/text]',
  ],
  ['an empty text', [section('')], 'must be more than 0 characters [json-pointer:/blocks/0/text/text]'],
  [
    'a field of 2001 characters',
    [{ type: 'section', fields: [{ type: 'mrkdwn', text: x(2001) }] }],
    'must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]',
  ],
  [
    '11 fields',
    [{ type: 'section', fields: many(11, () => plain('a')) }],
    'no more than 10 items allowed [json-pointer:/blocks/0/fields]',
  ],
  ['a section of nothing', [{ type: 'section' }], 'missing required field: text [json-pointer:/blocks/0]'],
  [
    'a header of 151 characters',
    [{ type: 'header', text: plain(x(151)) }],
    'must be less than 151 characters [json-pointer:/blocks/0/text/text]',
  ],
  [
    '11 texts of context',
    [{ type: 'context', elements: many(11, () => plain('a')) }],
    'no more than 10 items allowed [json-pointer:/blocks/0/elements]',
  ],
  [
    '26 buttons',
    [actions(...many(26, (index) => button('a', `a${index}`, 'v')))],
    'no more than 25 items allowed [json-pointer:/blocks/0/elements]',
  ],
  [
    'a button of 76 characters',
    [actions(button(x(76), 'a', 'v'))],
    'must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]',
  ],
  [
    'a value of 2001 characters',
    [actions(button('a', 'a', x(2001)))],
    'must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]',
  ],
  [
    'an action_id of 256 characters',
    [actions(button('a', x(256), 'v'))],
    'must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]',
  ],
  [
    'a confirm dialog of 301 characters',
    [
      actions(
        button('a', 'a', 'v', {
          confirm: { title: plain('a'), text: plain(x(301)), confirm: plain('b'), deny: plain('c') },
        }),
      ),
    ],
    'must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]',
  ],
  ['100 options', [actions(select(100))], undefined],
  [
    '101 options',
    [actions(select(101))],
    'no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]',
  ],
  [
    'an initial option that is none of the options',
    [actions(select(1, { initial_option: option('other') }))],
    'initial_option must match one of the options [json-pointer:/blocks/0]',
  ],
  ['an unknown block', [{ type: 'video' }], 'unsupported type: video [json-pointer:/blocks/0/type]'],
  [
    'an unknown field',
    [{ type: 'divider', colour: 'red' }],
    'invalid additional property: colour [json-pointer:/blocks/0]',
  ],
  [
    'two buttons of one name in a block',
    [actions(button('a', 'same', 'v'), button('b', 'same', 'v'))],
    'action_id already exists: same [json-pointer:/blocks/0]',
  ],
  [
    'two blocks of one name',
    [
      { type: 'divider', block_id: 'same' },
      { type: 'divider', block_id: 'same' },
    ],
    'block_id already exists: same [json-pointer:/blocks]',
  ],
])('a message with %s is validated as by Slack', (_, blocks, problem) => {
  expect(listProblems(() => readBlocks(blocks))).toEqual(problem === undefined ? [] : [problem]);
});

test.each<[what: string, view: object, problem: string | undefined]>([
  ['100 blocks', modal({ blocks: many(100, () => ({ type: 'divider' })) }), undefined],
  [
    '101 blocks',
    modal({ blocks: many(101, () => ({ type: 'divider' })) }),
    'no more than 100 items allowed [json-pointer:/view/blocks]',
  ],
  [
    'a title of 25 characters',
    modal({ title: plain(x(25)) }),
    'must be less than 25 characters [json-pointer:/view/title/text]',
  ],
  [
    'metadata of 3001 characters',
    modal({ private_metadata: x(3001) }),
    'must be less than 3001 characters [json-pointer:/view/private_metadata]',
  ],
  [
    'an input and nothing to submit it',
    modal({ blocks: [input({ type: 'plain_text_input', action_id: 'reason' })] }),
    'missing required field: submit [json-pointer:/view]',
  ],
])('a modal with %s is validated as by Slack', (_, view, problem) => {
  expect(listProblems(() => readView(view))).toEqual(problem === undefined ? [] : [problem]);
});

test('elements without ids get generated ones', () => {
  const { action_id: _, ...nameless } = button('a', 'a', 'v');
  expect(readBlocks([actions(nameless)])).toEqual([
    { ...actions({ ...nameless, action_id: expect.any(String) }), block_id: expect.any(String) },
  ]);
});
