import { type Digest, digestItem, findDigest } from '../approvals/digest.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import { isLeased, leaseEnd } from '../storage/lease.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import { advanceStages, type DigestState, hasStageToAdvance, loadDigest } from './digest-state.ts';
import { digestWindowSeconds } from './notification.ts';
import { notificationLeaseMs } from './notify-deps.ts';
import {
  type DigestRenderResult,
  isDigestUpToDate,
  postOrUpdateDigest,
  selectDigestDestination,
} from './render-digest.ts';
import { digestRetry } from './retry-delays.ts';
import { selectRequestsToEmail, sendDigestEmails } from './send-digest-emails.ts';
import type { NotificationRun } from './slack-session.ts';

/** The minimum time between two emails about a digest, in seconds. */
const digestEmailIntervalSeconds = 60;

/** Emails new requests of a digest, and posts or updates its Slack message. */
export async function notifyDigest(id: string, run: NotificationRun): Promise<void> {
  const loadedState = await loadDigest(id, run);
  if (!loadedState) return;
  const { digest } = loadedState;
  if (isLeased(digest, run.now())) return enqueueDigest(digestWindowSeconds, id, run);
  const isToAdvance = hasStageToAdvance(loadedState, run.now());
  const due = await planDigestSteps(loadedState, run);
  if (!isToAdvance && !due.isMail && !due.isMessage) {
    if (!due.waits) await scheduleDigestRetry(loadedState, run);
    return;
  }

  const { contentHash, ...digestFields } = digest;
  const leasedDigest = {
    ...digestFields,
    // The content hash is unknown until this run saves it: the run may update the message and crash.
    ...(contentHash !== undefined && !due.isMessage && { contentHash }),
    leaseUntil: leaseEnd(run.now(), notificationLeaseMs),
    version: digest.version + 1,
  };
  if (!(await run.table.write([{ put: digestItem(leasedDigest), expected: digest.version }])))
    return enqueueDigest(digestWindowSeconds, id, run);
  const digestState = isToAdvance ? await advanceStages(loadedState, run) : loadedState;
  const { isMail, isMessage } = isToAdvance ? await planDigestSteps(digestState, run) : due;
  if (isMail) await saveDigest(leasedDigest, await sendDigestEmails(digestState, run), run);
  const renderResult = isMessage ? await postOrUpdateDigest(digestState, run) : {};
  const savedDigest = await saveDigest(leasedDigest, renderResult, run, { releasesLease: true });
  // Another run holds the lease and posts the digest itself.
  const location = selectDigestDestination(digestState);
  if (!savedDigest && location && renderResult.ts !== undefined)
    await run.slack.remove(location, { channel: location.channel, ts: renderResult.ts });
  if (savedDigest) await scheduleDigestRetry({ ...digestState, digest: savedDigest }, run);
}

/** Selects the due steps, and enqueues the digest for steps that have to wait. */
async function planDigestSteps(digestState: DigestState, run: NotificationRun) {
  const { digest } = digestState;
  const isToShow = !isDigestUpToDate(digestState) && (await canPostDigest(digestState, run));
  const isMail = await enqueueUnlessDue(
    selectRequestsToEmail(digestState).length > 0,
    digest.emailedAt,
    digestEmailIntervalSeconds,
    digest,
    run,
  );
  const isMessage = await enqueueUnlessDue(isToShow, digest.renderedAt, digestWindowSeconds, digest, run);
  return { isMail, isMessage, waits: isToShow && !isMessage };
}

/** Whether a step is due. Enqueues a step again that ran less than `seconds` ago. */
async function enqueueUnlessDue(
  isWanted: boolean,
  last: string | undefined,
  seconds: number,
  { id }: Digest,
  run: NotificationRun,
): Promise<boolean> {
  if (!isWanted || last === undefined) return isWanted;
  const age = secondsSince(last, run.now());
  if (age < seconds) await enqueueDigest(seconds - age, id, run);
  return age >= seconds;
}

function secondsSince(time: string, now: Date): number {
  return (now.getTime() - new Date(time).getTime()) / 1000;
}

async function enqueueDigest(
  seconds: number,
  digest: string,
  { notificationQueue }: NotificationRun,
): Promise<void> {
  await notificationQueue.enqueueAfter(seconds, [{ digest }]);
}

async function canPostDigest(digestState: DigestState, run: NotificationRun): Promise<boolean> {
  const location = selectDigestDestination(digestState);
  return location !== undefined && run.slack.canSend(location);
}

/**
 * Enqueues a digest without open requests until Slack accepts its last update, with growing delays and one queue message at a
 * time, because no sweep lists such a digest.
 */
async function scheduleDigestRetry(digestState: DigestState, run: NotificationRun): Promise<void> {
  const { digest, records } = digestState;
  if (
    isDigestUpToDate(digestState) ||
    records.some(isAwaitingApproval) ||
    !selectDigestDestination(digestState)
  )
    return;
  const now = run.now();
  if (digest.retry && new Date(digest.retry.nextAt) > now) return;
  const since = digest.retry?.since ?? now.toISOString();
  const age = secondsSince(since, now);
  if (age > digestRetry.windowSeconds) return;
  const seconds = Math.min(Math.max(age, digestRetry.firstDelaySeconds), digestRetry.lastDelaySeconds);
  // Half the delay tolerates clock skew: a message after that time counts as the scheduled one.
  const until = new Date(now.getTime() + (seconds * 1000) / 2).toISOString();
  if (await saveDigest(digest, { retry: { since, nextAt: until } }, run))
    await enqueueDigest(seconds, digest.id, run);
}

/**
 * Saves the result of a step into the digest, which may have new members.
 * @returns undefined if another run holds the lease.
 */
async function saveDigest(
  { id, leaseUntil }: Digest,
  { isPreviousUpdated = false, ...changes }: DigestRenderResult,
  { table }: NotificationRun,
  { releasesLease = false } = {},
): Promise<Digest | undefined> {
  return retryOnConflict(id, async () => {
    const before = await findDigest(id, table);
    if (!before || before.leaseUntil !== leaseUntil) return undefined;
    const after: Digest = { ...before, ...changes, version: before.version + 1 };
    if (releasesLease) delete after.leaseUntil;
    if (changes.contentHash !== undefined) delete after.retry;
    if (isPreviousUpdated) delete after.previousSlackMessage;
    return (await table.write([{ put: digestItem(after), expected: before.version }])) ? after : conflict;
  });
}
