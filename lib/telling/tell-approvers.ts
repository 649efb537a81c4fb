import { type RequestView, requestViews } from '../approval/request-view.ts';
import { readRecord, recordKey } from '../connection/connection-record.ts';
import { orReport } from '../invocation.ts';
import { leftOut, readEach } from '../table/item.ts';
import { advance } from './advance.ts';
import { type AskedRequest, groupBehind, isAsked, isEscalated } from './asked-request.ts';
import { claimPlaces } from './claim-places.ts';
import { digestGrows, distinct, isNoticeDue, type Subject } from './notice.ts';
import { type Run, slackOfRun } from './slack-of-run.ts';
import { tellOfDigest } from './tell-of-digest.ts';
import { tellOfExpiry } from './tell-of-expiry.ts';
import { tellOfRequest } from './tell-of-request.ts';
import type { TellingInSlack } from './telling.ts';

/** How many were told of, for the log, and what has to be told again. */
interface Tellings {
  /** Of which it broke on the way to their digest: no pass leads back to one whose requests are all decided. */
  readonly failed: readonly Subject[];
  readonly requests: number;
  readonly digests: number;
  readonly warnings: number;
}

/**
 * Shows approvers what waits for them, and what became of it: in Slack, and by mail. Everything is drawn from the records as
 * they are by then, so that rings may come twice, late, and in any order. What Slack or SNS do not take is reported and left
 * to the next ring: the sweep rings each minute.
 * @param subjects as many as a queue delivers at once.
 * @throws where the table cannot be read, so that nobody could be told.
 */
export async function tellApprovers(subjects: readonly Subject[], deps: TellingInSlack): Promise<Tellings> {
  const run: Run = { ...deps, slack: slackOfRun(deps) };
  const records = await recordsToTellOf(subjects, run);
  const inDigests = records.flatMap(({ notice }) => notice?.digest ?? []);
  const alone = records.filter(({ notice }) => notice?.digest === undefined);
  const digests = new Set([
    ...inDigests,
    ...subjects.flatMap((each) => ('digest' in each ? each.digest : [])),
  ]);

  const requests = await askedRequests(await requestViews(alone, run, { withHistory: false }), run);
  for (const [group, theirs] of Map.groupBy(requests, (request) => request.group.name))
    await orReport(run.report, () => tellGroup(group, theirs, run));
  const broken = new Set<string>();
  for (const digest of digests)
    await tellOfDigest(digest, run)
      .catch(leftOut(run.report))
      .catch((error: unknown) => {
        run.report(error);
        broken.add(digest);
      });
  const warnings = distinct(subjects.filter((each) => 'expiring' in each));
  for (const { expiring } of warnings) await orReport(run.report, () => tellOfExpiry(expiring, run));
  const told = new Map(records.map(({ endpointId, notice }) => [endpointId, notice?.digest]));
  const digestOf = (each: Subject) =>
    'digest' in each ? each.digest : 'endpointId' in each ? told.get(each.endpointId) : undefined;
  const failed = subjects.filter((each) => broken.has(digestOf(each) ?? ''));
  return { requests: requests.length, digests: digests.size, warnings: warnings.length, failed };
}

async function recordsToTellOf(subjects: readonly Subject[], { table, now, report }: Run) {
  const keys = subjects.flatMap((each) => ('endpointId' in each ? recordKey(each.endpointId) : []));
  const records = readEach(await table.get(keys), readRecord, report);
  return records.filter((record) => isNoticeDue(record, now()));
}

/** Each at the stage that it has reached by now. */
async function askedRequests(views: readonly RequestView[], run: Run): Promise<AskedRequest[]> {
  const requests = views.map((view) =>
    orReport(run.report, async (): Promise<AskedRequest | undefined> => {
      if (!isAsked(view.record)) return undefined;
      const behind = await groupBehind(view.group, run);
      const record = await advance(view.record, view.service, behind, run);
      return record && { ...view, record, escalation: isEscalated(record.asking.stage) ? behind : undefined };
    }),
  );
  return (await Promise.all(requests)).filter((request) => request !== undefined);
}

async function tellGroup(group: string, requests: readonly AskedRequest[], run: Run): Promise<void> {
  // Of a group that nobody can be told by nothing is remembered, so that they are told once somebody can be.
  const tellable = requests.filter((request) => request.group.slackChannel ?? request.group.emails[0]);
  const newcomers = tellable.filter(({ record }) => record.notice === undefined);
  const places = newcomers.length > 0 ? await claimPlaces(group, newcomers, run) : { alone: [] };
  if (places.digest !== undefined) await run.notices.ringAfter(digestGrows, [{ digest: places.digest }]);

  const known = tellable.filter(({ record }) => record.notice !== undefined);
  for (const request of places.alone) await orReport(run.report, () => tellOfRequest(request, true, run));
  for (const request of known) await orReport(run.report, () => tellOfRequest(request, false, run));
}
