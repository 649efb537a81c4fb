import type { ApprovalView } from '../../approvals/approval-view.ts';
import { computeConnectionStatus } from '../../approvals/status.ts';
import { observeModeText, statusLabels } from '../../approvals/status-text.ts';
import { countBy } from '../../approvals/summary.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { type AccountRegion, formatAccountRegion } from '../../locations/account-region.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { orReported } from '../../runtime/runtime.ts';
import { chunks } from '../../values/chunks.ts';
import { primaryReason } from '../../verdicts/verdict.ts';
import {
  type SlackDecisionResult,
  type SubmittedAnswer,
  submitAnswer,
  unreadableErrorText,
} from './decision-result.ts';
import { joinMarkup, type Markup, markup } from './mrkdwn.ts';
import { writeMrkdwn } from './status-mrkdwn.ts';

type SubmittedAnswers = readonly (readonly [ApprovalView, SubmittedAnswer])[];
type BatchResults = ReadonlyMap<ApprovalView, SlackDecisionResult>;

/** The number of answers at the same time: each takes two calls to DynamoDB. */
const maxConcurrentAnswers = 5;

/**
 * Submits answers until the time limit, some at the same time. Enqueues each location once at the end, because a message for each
 * request would exceed the time limit.
 * @param deadlineMs in milliseconds since 1970
 */
export async function decideBatch(
  answers: SubmittedAnswers,
  deadlineMs: number,
  deps: DecideDeps,
): Promise<BatchResults> {
  const locations = new Map<string, AccountRegion>();
  const collectingQueue = {
    async enqueue(location: AccountRegion) {
      locations.set(formatAccountRegion(location), location);
    },
  };
  const results = new Map<ApprovalView, SlackDecisionResult>();
  for (const chunk of chunks(answers, maxConcurrentAnswers)) {
    if (deps.now().getTime() > deadlineMs) break;
    const submitted = chunk.map(
      async ([view, answer]) =>
        [view, await submitOneAnswer(view, answer, { ...deps, applyQueue: collectingQueue })] as const,
    );
    for (const [view, result] of await Promise.all(submitted)) results.set(view, result);
  }
  // The decisions are stored even if the queue fails: the sweep enqueues the locations again.
  const enqueued = [...locations.values()].map((location) =>
    orReported(deps.reportError, 'enqueue pending effects', () => deps.applyQueue.enqueue(location)),
  );
  await Promise.all(enqueued);
  return results;
}

/** Converts an error of one request to its reply text, and the batch continues. */
async function submitOneAnswer(
  view: ApprovalView,
  answer: SubmittedAnswer,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  try {
    return await submitAnswer(view, answer, deps);
  } catch (error) {
    deps.reportError(error, 'submit decision');
    return {
      isEffective: false,
      replyText:
        unreadableErrorText(error) ??
        markup`linkgate failed. Your decision may be recorded: look at the request, or decide again.`,
    };
  }
}

/**
 * Summarizes the results of one submission.
 * @param closedCount the number of requests that the message shows open and that no longer are
 */
export function batchResultText(
  results: BatchResults,
  answers: SubmittedAnswers,
  closedCount: number,
): Markup {
  const failed = [...results].filter(
    ([, { decidedRecord, extendedRecord }]) => !decidedRecord && !extendedRecord,
  );
  const extendedCount = [...results.values()].filter((result) => result.extendedRecord).length;
  const extensionAnswers = answers.filter(([, { decision }]) => decision === 'extend').length;
  const decisionAnswers = answers.length - extensionAnswers;
  const notEffective = [...results.values()].flatMap(({ decidedRecord, isEffective }) =>
    decidedRecord && !isEffective ? [decidedRecord] : [],
  );
  const decidedCount = results.size - failed.length - notEffective.length - extendedCount;
  const notReached = answers.length - results.size;
  const isObserving = [...results].some(([{ mode }, { isEffective }]) => mode === 'observe' && isEffective);
  return joinMarkup([
    ...(decisionAnswers > 0 ? [markup`*${decidedCount} of ${decisionAnswers} decided.*`] : []),
    ...(extensionAnswers > 0 ? [markup`*${extendedCount} of ${extensionAnswers} extended by 14 days.*`] : []),
    ...(isObserving ? [writeMrkdwn(observeModeText)] : []),
    ...countBy(notEffective, batchStatusText).map(
      ([connectionStatus, count]) =>
        markup`• linkgate recorded your decision for ${count}. Their status: ${connectionStatus}`,
    ),
    ...(closedCount > 0 ? [markup`${closedCount} ${closedCount === 1 ? 'is' : 'are'} no longer open.`] : []),
    ...(notReached > 0
      ? [
          markup`linkgate did not reach ${notReached} in time, and did not change them. Click the button of the message again for them.`,
        ]
      : []),
    ...[...Map.groupBy(failed, ([, { replyText }]) => replyText.markup).values()].map(failureBullet),
  ]);
}

/** Describes the requests that failed with the same text. */
function failureBullet(failed: readonly (readonly [ApprovalView, SlackDecisionResult])[]): Markup {
  const [first] = failed;
  const others = failed.length > 1 ? ` and ${failed.length - 1} more` : '';
  return first ? markup`• ${first[0].record.endpointId}${others}: ${first[1].replyText}` : markup``;
}

/** Describes a request that the decision alone did not resolve: its missing approvals, or the rule with precedence. */
function batchStatusText(record: ConnectionRecord): string {
  const { status, approvals } = computeConnectionStatus(record);
  if (approvals && isAwaitingApproval(record))
    return `${approvals.decisions.length} of ${approvals.quorum} approvals`;
  return record.verdict
    ? `${statusLabels[status]}, because ${primaryReason(record.verdict)}`
    : statusLabels[status];
}
