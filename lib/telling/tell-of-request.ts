import type { Notice } from '../approval/asking.ts';
import { requestViews } from '../approval/request-view.ts';
import { isLive } from '../connection/connection.ts';
import { type ConnectionRecord, findRecord, isOpen } from '../connection/connection-record.ts';
import { transitionWrites } from '../connection/transition.ts';
import { lost, untilWon } from '../table/contention.ts';
import { type AskedRequest, isAsked } from './asked-request.ts';
import { draw, isShowable, type Shown, takeBack } from './draw-request.ts';
import { faceOf } from './notice.ts';
import { mailsDue, sendMails } from './send-mails.ts';
import type { Run } from './slack-of-run.ts';
import { holdFrom, isHeld } from './telling.ts';

/**
 * Mails those who were not mailed yet, and brings the message in Slack up to the record. What does not succeed is still due
 * afterwards.
 * @param isHeld whether this run has it to itself already.
 */
export async function tellOfRequest(request: AskedRequest, isHeld: boolean, run: Run): Promise<void> {
  const taken = isHeld ? request : await hold(request, run);
  const held = taken && (await withHistory(taken, run));
  if (!held) return;
  const due = mailsDue(held);
  const mailed = due.length === 0 ? held : await keep(held, await sendMails(held, due, run), run);
  if (!mailed) return;
  const shown = await show(mailed, run);
  if (shown && comesBack(shown, run))
    await run.notices.ringAfter(comesBackAfter, [{ endpointId: shown.endpointId }]);
}

/** Seconds after which what Slack did not take is tried again: the sweep of each minute sees open requests alone. */
const comesBackAfter = 300;
/** How long that goes on, in milliseconds; the full pass finds it all the same. */
const comesBackFor = 24 * 3_600_000;

function comesBack(record: ConnectionRecord, { now }: Run): boolean {
  const decidedAt = record.verdict?.decidedAt;
  const isSweptSoon = isOpen(record) && !isLive(record.state);
  if (isSweptSoon || decidedAt === undefined || record.notice?.face === faceOf(record)) return false;
  return now().getTime() - new Date(decidedAt).getTime() < comesBackFor;
}

/** Read only for what is told now. */
async function withHistory(request: AskedRequest, run: Run): Promise<AskedRequest | undefined> {
  const [view] = await requestViews([request.record], run);
  return view && { ...request, ...view, record: request.record };
}

/** @returns nothing where somebody else is at it, or nothing can be told now. */
async function hold(request: AskedRequest, run: Run): Promise<AskedRequest | undefined> {
  return change(request, run, async (newest) => {
    const now = run.now();
    const { notice } = newest.record;
    // Another run may have put it into a digest meanwhile.
    if (notice?.digest !== undefined || notice?.face === faceOf(newest.record) || isHeld(notice, now))
      return undefined;
    const isTellable = mailsDue(newest).length > 0 || (await isShowable(newest, run));
    if (!isTellable) return undefined;
    // What is shown is not known again before this run says so: it may change the message and die.
    const { face: _, ...known } = notice ?? { mailed: [] };
    return { ...known, heldUntil: holdFrom(now) };
  });
}

async function keep(
  request: AskedRequest,
  told: Partial<Notice>,
  run: Run,
): Promise<AskedRequest | undefined> {
  return change(request, run, async ({ record: { notice } }) =>
    isHeldAs(request, notice) ? { ...notice, ...told } : undefined,
  );
}

/**
 * Draws until what is shown is what is recorded, and lets go.
 * @returns the record as it is then, where it was still this run's.
 */
async function show(request: AskedRequest, run: Run): Promise<ConnectionRecord | undefined> {
  let shown: Shown | undefined;
  const after = await change(request, run, async (newest) => {
    const { notice } = newest.record;
    if (!isHeldAs(request, notice)) {
      await takeBack(newest, shown, run);
      return undefined;
    }
    if (shown?.face !== faceOf(newest.record)) shown = await draw(newest, shown, run);
    const { heldUntil: _heldUntil, formerly: _formerly, ...known } = notice;
    const { face, isWhole, message, formerly, remindedStage } = shown;
    return {
      ...known,
      ...(message && { slack: message }),
      ...(formerly && { formerly }),
      ...(remindedStage && { remindedStage }),
      ...(isWhole && mailsDue(newest).length === 0 && { face }),
    };
  });
  return after?.record;
}

/** Whether this run still has it to itself. */
function isHeldAs({ record }: AskedRequest, notice: Notice | undefined): notice is Notice {
  return notice?.heldUntil !== undefined && notice.heldUntil === record.notice?.heldUntil;
}

/** Writes what is remembered of telling onto the record as it is by then; nothing, where there is nothing to write. */
async function change(
  request: AskedRequest,
  run: Run,
  noticeOf: (newest: AskedRequest) => Promise<Notice | undefined>,
): Promise<AskedRequest | undefined> {
  const { endpointId } = request.record;
  return untilWon(endpointId, async (isFirst) => {
    const before = isFirst ? request.record : await findRecord(endpointId, run.table);
    if (!isAsked(before)) return undefined;
    const notice = await noticeOf({ ...request, record: before });
    if (!notice) return undefined;
    const record = { ...before, notice };
    const writes = transitionWrites(before, { record, happenings: [] }, run.requestId);
    if (!(await run.table.write(writes))) return lost;
    return { ...request, record: { ...record, version: before.version + 1 } };
  });
}
