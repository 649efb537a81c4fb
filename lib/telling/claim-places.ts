import type { Notice } from '../approval/asking.ts';
import { readRecord, recordKey } from '../connection/connection-record.ts';
import { transitionWrites } from '../connection/transition.ts';
import { lost, untilWon } from '../table/contention.ts';
import { byKey, leftOut, readEach } from '../table/item.ts';
import type { Write } from '../table/table.ts';
import { type AskedRecord, type AskedRequest, isAsked } from './asked-request.ts';
import { boardFrom, boardKey, boardWrite, filled, roomOn } from './board.ts';
import { inCompany } from './company.ts';
import { type Digest, digestItem, findDigest, membersAtMost } from './digest.ts';
import { holdFrom, type Telling } from './telling.ts';

/** Where new requests are told of: alone, and then this run has them to itself; or in a digest. */
interface Places {
  readonly alone: readonly AskedRequest[];
  readonly digest?: string;
}

/**
 * Gives each new request of a group its place before anybody is told of it, in one transaction: those first within a minute
 * are told of alone, and when more come, these together; so are the connections of one account that come into question at once.
 * @param requests as many as a queue delivers at once, so that they fit into a transaction.
 * @throws ContendedError
 */
export async function claimPlaces(
  group: string,
  requests: readonly AskedRequest[],
  deps: Telling,
): Promise<Places> {
  return untilWon(group, async () => {
    const { item, board, newcomers } = await readAll(group, requests, deps);
    if (newcomers.length === 0) return { alone: [] };
    const now = deps.now();
    const room = roomOn(board, now);
    const company = await inCompany(newcomers, deps);
    const each = newcomers.filter(({ endpointId }) => !company.has(endpointId));
    const alone = each.slice(0, room.alone);
    const together = newcomers.filter((record) => !alone.includes(record));
    const digest = await digestWith(together, group, room.runningDigest, deps);

    const held = alone.map((record) => noticed(record, { mailed: [], heldUntil: holdFrom(now) }, deps));
    const joined = digest
      ? together.map((record) => noticed(record, { mailed: [], digest: digest.id }, deps))
      : [];
    const isWritten = await deps.table.write([
      boardWrite(item, filled(board, newcomers.length, digest?.id, now)),
      ...(digest ? [{ put: digestItem(digest), expected: digest.version - 1 }] : []),
      ...[...held, ...joined].flatMap(({ writes }) => writes),
    ]);
    if (!isWritten) return lost;
    const records = new Map(held.map(({ record }) => [record.endpointId, record]));
    return {
      alone: requests.flatMap((request) => {
        const record = records.get(request.record.endpointId);
        return record ? [{ ...request, record }] : [];
      }),
      ...(digest && { digest: digest.id }),
    };
  });
}

/** The group's board, and those of the requests that have no place yet. */
async function readAll(group: string, requests: readonly AskedRequest[], { table, report }: Telling) {
  const keys = requests.map(({ record }) => recordKey(record.endpointId));
  const found = byKey(await table.get([boardKey(group), ...keys]));
  const item = found.find(boardKey(group));
  const board = boardFrom(item, group, report);
  const records = readEach(found.all(keys), readRecord, report).filter(isAsked);
  return { item, board, newcomers: records.filter(({ notice }) => notice === undefined) };
}

/** The digest that goes on, while it has room for them, or a new one. */
async function digestWith(
  records: readonly AskedRecord[],
  group: string,
  runningDigest: string | undefined,
  { table, report }: Telling,
): Promise<Digest | undefined> {
  const [first] = records;
  if (!first) return undefined;
  const endpointIds = records.map(({ endpointId }) => endpointId);
  // Where the digest that goes on cannot be read, another one begins.
  const running =
    runningDigest === undefined ? undefined : await findDigest(runningDigest, table).catch(leftOut(report));
  if (running && running.endpointIds.length + endpointIds.length <= membersAtMost)
    return {
      ...running,
      endpointIds: [...running.endpointIds, ...endpointIds],
      version: running.version + 1,
    };
  // Each version of a record is written once, and this one before it gets its place.
  return { id: `${first.endpointId}.${first.version}`, group, endpointIds, mailedUpTo: 0, version: 1 };
}

function noticed(before: AskedRecord, notice: Notice, { requestId }: Telling) {
  const record = { ...before, notice };
  const writes: Write[] = transitionWrites(before, { record, happenings: [] }, requestId);
  return { writes, record: { ...record, version: before.version + 1 } };
}
