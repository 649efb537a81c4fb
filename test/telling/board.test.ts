import { describe, expect, test } from '@jest/globals';
import { raise } from '../../lib/table/item.ts';
import {
  type Board,
  boardItem,
  emptyBoard,
  filled,
  findBoard,
  isInTrouble,
  noteTrouble,
  roomOn,
} from '../../lib/telling/board.ts';
import { noon, secondsAfterNoon } from '../builders.ts';
import { memoryTable } from '../doubles/memory-table.ts';

const board: Board = emptyBoard('default');
const trouble = { error: 'not_in_channel', channel: 'C01', at: noon.toISOString() };

describe('requests are told of one by one', () => {
  test('up to ten within a minute', () => {
    const after = filled(filled(board, 4, undefined, noon), 6, undefined, secondsAfterNoon(30));
    expect(roomOn(after, secondsAfterNoon(59))).toEqual({ alone: 0 });
    expect(roomOn(after, secondsAfterNoon(60))).toEqual({ alone: 4 });
    expect(roomOn(after, secondsAfterNoon(90))).toEqual({ alone: 10 });
  });

  test('but for the five minutes after a digest began, which takes in all that comes', () => {
    const stormy = filled(board, 11, 'digest-1', noon);
    expect(roomOn(stormy, secondsAfterNoon(299))).toEqual({ alone: 0, runningDigest: 'digest-1' });
    expect(roomOn(stormy, secondsAfterNoon(300))).toEqual({ alone: 10 });
  });

  test('again after that, where they only trickle, whatever joined the digest meanwhile', () => {
    let after = filled(board, 11, 'digest-1', noon);
    for (let seconds = 30; seconds < 300; seconds += 30)
      after = filled(after, 1, 'digest-1', secondsAfterNoon(seconds));
    expect(roomOn(after, secondsAfterNoon(300))).toEqual({ alone: 9, runningDigest: 'digest-1' });
  });

  test('but for a storm that still rages then, which goes on in its digest', () => {
    const still = filled(filled(board, 11, 'digest-1', noon), 10, 'digest-1', secondsAfterNoon(290));
    expect(roomOn(still, secondsAfterNoon(300))).toEqual({ alone: 0, runningDigest: 'digest-1' });
    expect(roomOn(still, secondsAfterNoon(350))).toEqual({ alone: 10 });
  });

  test('and the board remembers no more of them than count', () => {
    expect(filled(filled(board, 8, undefined, noon), 8, undefined, noon).times).toHaveLength(10);
  });
});

describe('a channel that Slack refused', () => {
  test('is left alone for a quarter of an hour', () => {
    const troubled = { ...board, trouble };
    expect(isInTrouble(troubled, 'C01', secondsAfterNoon(14 * 60))).toBe(true);
    expect(isInTrouble(troubled, 'C01', secondsAfterNoon(15 * 60))).toBe(false);
  });

  test('says nothing against another', () => {
    expect(isInTrouble({ ...board, trouble }, 'C02', noon)).toBe(false);
  });

  test('is noted beside what else the board holds, and forgotten again', async () => {
    const table = memoryTable();
    const deps = { table, report: raise };
    await table.write([{ put: boardItem(filled(board, 3, undefined, noon)) }]);
    await noteTrouble('default', trouble, deps);
    expect(await findBoard('default', deps)).toMatchObject({ times: { length: 3 }, trouble, version: 2 });
    await noteTrouble('default', undefined, deps);
    expect((await findBoard('default', deps)).trouble).toBeUndefined();
  });
});
