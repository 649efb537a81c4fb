import * as v from 'valibot';
import { lost, untilWon } from '../table/contention.ts';
import { itemKind, type ReadDeps, readEach, versionToReplace } from '../table/item.ts';
import type { Item, Key, Write } from '../table/table.ts';

/** More new requests than this for one group within a minute are told of together. */
const aloneAtMost = 10;
/** How long a request counts as new, and a storm goes on after its last one, in milliseconds. */
const aMinute = 60_000;
/** How long a digest takes in all that comes, so that what belongs together is found together, in milliseconds. */
const takesAll = 5 * aMinute;
/** How long a channel that Slack refuses is left alone, in milliseconds. */
const troubleHolds = 15 * aMinute;

/** What a group was told of lately, so that a storm of requests does not become a storm of messages. */
const Board = v.object({
  group: v.string(),
  /** ISO 8601: when the newest requests came, the oldest first. */
  times: v.array(v.string()),
  /** The digest that the newest of a storm went into, when it began, and when they joined it. */
  digest: v.exactOptional(v.object({ id: v.string(), begunAt: v.string(), joinedAt: v.string() })),
  /** What Slack refused in the group's channel, until it takes something there again. */
  trouble: v.exactOptional(v.object({ error: v.string(), channel: v.string(), at: v.string() })),
  version: v.number(),
});
export type Board = v.InferOutput<typeof Board>;

const kind = itemKind(Board.entries);

export const boardKey = (group: string): Key => ({ pk: 'BOARDS', sk: group });

export function boardItem(board: Board): Item {
  return kind.item(boardKey(board.group), board);
}

/** The change of a board; one that cannot be read is begun anew. */
export function boardWrite(before: Item | undefined, board: Board): Write {
  const expected = versionToReplace(before);
  const put = boardItem({ ...board, version: (expected ?? 0) + 1 });
  return { put, ...(expected !== undefined && { expected }) };
}

export function readBoard(item: Item): Board {
  return kind.read(item);
}

export async function findBoard(group: string, deps: ReadDeps): Promise<Board> {
  const [item] = await deps.table.get([boardKey(group)]);
  return boardFrom(item, group, deps.report);
}

/** An empty one, where there is none that can be read. */
export function boardFrom(item: Item | undefined, group: string, report: ReadDeps['report']): Board {
  const [board] = readEach(item ? [item] : [], readBoard, report);
  return board ?? emptyBoard(group);
}

export function emptyBoard(group: string): Board {
  return { group, times: [], version: 0 };
}

/** How many of a group's new requests are told of one by one, and the digest that a storm goes on in. */
export function roomOn({ times, digest }: Board, now: Date): { alone: number; runningDigest?: string } {
  if (digest && isWithin(takesAll, digest.begunAt, now)) return { alone: 0, runningDigest: digest.id };
  const alone = aloneAtMost - times.filter((time) => isWithin(aMinute, time, now)).length;
  const goesOn = digest !== undefined && isWithin(aMinute, digest.joinedAt, now);
  return { alone, ...(goesOn && { runningDigest: digest.id }) };
}

/** The board after so many more requests came, and where those went that were too many to be told of one by one. */
export function filled(board: Board, came: number, digest: string | undefined, now: Date): Board {
  const time = now.toISOString();
  const times = [...board.times, ...Array<string>(came).fill(time)].slice(-aloneAtMost);
  const begunAt = digest === board.digest?.id ? board.digest?.begunAt : undefined;
  return {
    ...board,
    times,
    ...(digest !== undefined && { digest: { id: digest, begunAt: begunAt ?? time, joinedAt: time } }),
    version: board.version + 1,
  };
}

/** Whether Slack refused the channel so lately that it is left alone. */
export function isInTrouble({ trouble }: Board, channel: string, now: Date): boolean {
  return trouble !== undefined && trouble.channel === channel && isWithin(troubleHolds, trouble.at, now);
}

/** Remembers what Slack refused, or forgets it once Slack takes something again. */
export async function noteTrouble(
  group: string,
  trouble: Board['trouble'],
  { table, report }: ReadDeps,
): Promise<Board> {
  return untilWon(group, async () => {
    const [item] = await table.get([boardKey(group)]);
    const { trouble: known, ...board } = boardFrom(item, group, report);
    if (!trouble && !known) return board;
    const after: Board = { ...board, ...(trouble && { trouble }) };
    return (await table.write([boardWrite(item, after)])) ? after : lost;
  });
}

function isWithin(milliseconds: number, time: string, now: Date): boolean {
  return now.getTime() - new Date(time).getTime() < milliseconds;
}
