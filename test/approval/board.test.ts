import { describe, expect, test } from '@jest/globals';
import {
  type Board,
  boardItem,
  emptyBoard,
  filled,
  findBoard,
  isInTrouble,
  noteTrouble,
  roomOn,
} from '../../lib/approval/board.ts';
import { noon, secondsAfterNoon } from '../builders.ts';
import { memoryTable } from '../doubles/memory-table.ts';

const board: Board = emptyBoard('default');
const trouble = { error: 'not_in_channel', channel: 'C01', at: noon.toISOString() };

describe('requests are told of one by one', () => {
  test('up to ten within a minute', () => {
    const after = filled(filled(board, 4, noon), 6, secondsAfterNoon(30));
    expect(roomOn(after, secondsAfterNoon(59))).toEqual({ alone: 0 });
    expect(roomOn(after, secondsAfterNoon(60))).toEqual({ alone: 4 });
    expect(roomOn(after, secondsAfterNoon(90))).toEqual({ alone: 10 });
  });

  test('but for a storm, which goes on in its digest until a minute after its last request', () => {
    const stormy = { ...board, digest: { id: 'digest-1', joinedAt: noon.toISOString() } };
    expect(roomOn(stormy, secondsAfterNoon(59))).toEqual({ alone: 0, runningDigest: 'digest-1' });
    expect(roomOn(stormy, secondsAfterNoon(60))).toEqual({ alone: 10 });
  });

  test('and the board remembers no more of them than count', () => {
    expect(filled(filled(board, 8, noon), 8, noon).times).toHaveLength(10);
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
    await table.write([{ put: boardItem(filled(board, 3, noon)) }]);
    await noteTrouble('default', trouble, { table });
    expect(await findBoard('default', table)).toMatchObject({ times: { length: 3 }, trouble, version: 2 });
    await noteTrouble('default', undefined, { table });
    expect((await findBoard('default', table)).trouble).toBeUndefined();
  });
});
