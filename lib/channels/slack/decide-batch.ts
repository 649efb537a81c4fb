import type { ApprovalView } from '../../approvals/approval-view.ts';
import { computeConnectionStatus } from '../../approvals/status.ts';
import { countBy } from '../../approvals/summary.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { type AccountRegion, formatAccountRegion } from '../../locations/account-region.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { orReported } from '../../runtime/runtime.ts';
import { primaryReason } from '../../verdicts/verdict.ts';
import {
  type SlackDecisionResult,
  type SubmittedAnswer,
  submitAnswer,
  unreadableErrorText,
} from './decision-result.ts';
import { joinMarkup, type Markup, markup } from './mrkdwn.ts';
import { observeModeText, slackStatusLabels } from './status-text.ts';

type SubmittedAnswers = readonly (readonly [ApprovalView, SubmittedAnswer])[];
type BatchResults = ReadonlyMap<ApprovalView, SlackDecisionResult>;

/**
 * Decides one request after another, as far as the time reaches, and rings once for each place in the end: a ring for each
 * request would cost much of that time.
 * @param until in milliseconds since 1970
 */
export async function decideBatch(
  sayings: SubmittedAnswers,
  until: number,
  deps: DecideDeps,
): Promise<BatchResults> {
  const locations = new Map<string, AccountRegion>();
  const applyQueue = {
    async enqueue(location: AccountRegion) {
      locations.set(formatAccountRegion(location), location);
    },
  };
  const outcomes = new Map<ApprovalView, SlackDecisionResult>();
  for (const [view, saying] of sayings) {
    if (deps.now().getTime() > until) break;
    outcomes.set(view, await submitOneAnswer(view, saying, { ...deps, applyQueue }));
  }
  // The decisions stand, whatever becomes of the rings: the sweep rings too.
  const enqueued = [...locations.values()].map((location) =>
    orReported(deps.reportError, () => deps.applyQueue.enqueue(location)),
  );
  await Promise.all(enqueued);
  return outcomes;
}

/** What breaks for one request is told, and the others go on. */
async function submitOneAnswer(
  view: ApprovalView,
  saying: SubmittedAnswer,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  try {
    return await submitAnswer(view, saying, deps);
  } catch (error) {
    deps.reportError(error);
    return {
      isEffective: false,
      replyText:
        unreadableErrorText(error) ??
        markup`It broke on its way, and your word may be recorded all the same; look at it, or say it again.`,
    };
  }
}

/**
 * What became of what somebody said of many.
 * @param passed how many others were no longer open
 */
export function batchResultText(outcomes: BatchResults, sayings: SubmittedAnswers, passed: number): Markup {
  const failed = [...outcomes].filter(
    ([, { decidedRecord, extendedRecord }]) => !decidedRecord && !extendedRecord,
  );
  const extended = [...outcomes.values()].filter((outcome) => outcome.extendedRecord).length;
  const extensions = sayings.filter(([, { decision }]) => decision === 'extend').length;
  const decisions = sayings.length - extensions;
  const otherwise = [...outcomes.values()].flatMap(({ decidedRecord, isEffective }) =>
    decidedRecord && !isEffective ? [decidedRecord] : [],
  );
  const decided = outcomes.size - failed.length - otherwise.length - extended;
  const left = sayings.length - outcomes.size;
  const observes = [...outcomes].some(([{ mode }, { isEffective }]) => mode === 'observe' && isEffective);
  return joinMarkup([
    ...(decisions > 0 ? [markup`*${decided} of ${decisions} decided.*`] : []),
    ...(extensions > 0 ? [markup`*${extended} of ${extensions} extended by 14 days.*`] : []),
    ...(observes ? [observeModeText] : []),
    ...countBy(otherwise, batchStatusText).map(
      ([connectionStatus, count]) =>
        markup`• Of ${count} your word is recorded, and they stand so: ${connectionStatus}`,
    ),
    ...(passed > 0 ? [markup`${passed} were decided meanwhile by others.`] : []),
    ...(left > 0 ? [markup`${left} were not reached in time and are as they were: submit them again.`] : []),
    ...failed.map(([{ record }, { replyText }]) => markup`• ${record.endpointId}: ${replyText}`),
  ]);
}

/** Where a word alone did not decide it: what else it takes, or what comes before it. */
function batchStatusText(record: ConnectionRecord): string {
  const { status, approvals } = computeConnectionStatus(record);
  if (approvals && isAwaitingApproval(record))
    return `${approvals.decisions.length} of ${approvals.quorum} approvals`;
  return record.verdict
    ? `${slackStatusLabels[status]}, since ${primaryReason(record.verdict)}`
    : slackStatusLabels[status];
}
