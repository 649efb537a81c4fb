import type { ApprovalView } from '../../approvals/approval-view.ts';
import { statusOf } from '../../approvals/status.ts';
import { countBy } from '../../approvals/summary.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { type AccountRegion, formatAccountRegion } from '../../locations/account-region.ts';
import type { DecideDeps } from '../../reconcile/decide-connections.ts';
import { orReported } from '../../runtime/runtime.ts';
import { primaryReason } from '../../verdicts/verdict.ts';
import { carryOut, type DecisionOfClick, type SlackDecisionResult, unreadableIn } from './decision-result.ts';
import { joined, type Markup, markup } from './mrkdwn.ts';
import { slackActorName, unmanagedText } from './status-text.ts';

type Sayings = readonly (readonly [ApprovalView, DecisionOfClick])[];
type Outcomes = ReadonlyMap<ApprovalView, SlackDecisionResult>;

/**
 * Decides one request after another, as far as the time reaches, and rings once for each place in the end: a ring for each
 * request would cost much of that time.
 * @param until in milliseconds since 1970
 */
export async function decideBatch(sayings: Sayings, until: number, deps: DecideDeps): Promise<Outcomes> {
  const locations = new Map<string, AccountRegion>();
  const bell = {
    async enqueue(location: AccountRegion) {
      locations.set(formatAccountRegion(location), location);
    },
  };
  const outcomes = new Map<ApprovalView, SlackDecisionResult>();
  for (const [view, saying] of sayings) {
    if (deps.now().getTime() > until) break;
    outcomes.set(view, await decideOne(view, saying, { ...deps, bell }));
  }
  // The decisions stand, whatever becomes of the rings: the sweep rings too.
  const rings = [...locations.values()].map((location) =>
    orReported(deps.reportError, () => deps.bell.enqueue(location)),
  );
  await Promise.all(rings);
  return outcomes;
}

/** What breaks for one request is told, and the others go on. */
async function decideOne(
  view: ApprovalView,
  saying: DecisionOfClick,
  deps: DecideDeps,
): Promise<SlackDecisionResult> {
  try {
    return await carryOut(view, saying, deps);
  } catch (error) {
    deps.reportError(error);
    return {
      isAsSaid: false,
      answer:
        unreadableIn(error) ??
        markup`It broke on its way, and your word may be recorded all the same; look at it, or say it again.`,
    };
  }
}

/**
 * What became of what somebody said of many.
 * @param passed how many others were no longer open
 */
export function batchResultText(outcomes: Outcomes, sayings: Sayings, passed: number): Markup {
  const failed = [...outcomes].filter(([, { decided, extended }]) => !decided && !extended);
  const extended = [...outcomes.values()].filter((outcome) => outcome.extended).length;
  const extensions = sayings.filter(([, { decision }]) => decision === 'extend').length;
  const decisions = sayings.length - extensions;
  const otherwise = [...outcomes.values()].flatMap(({ decided, isAsSaid }) =>
    decided && !isAsSaid ? [decided] : [],
  );
  const decided = outcomes.size - failed.length - otherwise.length - extended;
  const left = sayings.length - outcomes.size;
  const observes = [...outcomes].some(([{ mode }, { isAsSaid }]) => mode === 'observe' && isAsSaid);
  return joined([
    ...(decisions > 0 ? [markup`*${decided} of ${decisions} decided.*`] : []),
    ...(extensions > 0 ? [markup`*${extended} of ${extensions} extended by 14 days.*`] : []),
    ...(observes ? [unmanagedText] : []),
    ...countBy(otherwise, howItStands).map(
      ([connectionStatus, count]) =>
        markup`• Of ${count} your word is recorded, and they stand so: ${connectionStatus}`,
    ),
    ...(passed > 0 ? [markup`${passed} were decided meanwhile by others.`] : []),
    ...(left > 0 ? [markup`${left} were not reached in time and are as they were: submit them again.`] : []),
    ...failed.map(([{ record }, { answer }]) => markup`• ${record.endpointId}: ${answer}`),
  ]);
}

/** Where a word alone did not decide it: what else it takes, or what comes before it. */
function howItStands(record: ConnectionRecord): string {
  const { status, approvals } = statusOf(record);
  if (approvals && isAwaitingApproval(record))
    return `${approvals.words.length} of ${approvals.quorum} approvals`;
  return record.verdict
    ? `${slackActorName[status]}, since ${primaryReason(record.verdict)}`
    : slackActorName[status];
}
