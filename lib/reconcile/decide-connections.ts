import { formatAccountRegion } from '../locations/account-region.ts';
import type { Connection } from '../privatelink/connection.ts';
import { settleEach } from '../runtime/runtime.ts';
import { indexByKey } from '../storage/entity.ts';
import { writeBatch } from '../storage/write-batch.ts';
import type { Finding } from '../verdicts/verdict.ts';
import type { ApplyQueue } from './apply-queue.ts';
import {
  type DecideResult,
  type DecisionTrigger,
  decisionKeys,
  type PrepareDecisionDeps,
  prepareDecision,
} from './prepare-decision.ts';

export interface DecideDeps extends PrepareDecisionDeps {
  readonly applyQueue: ApplyQueue;
}

/** A request with what causes its decision. */
type TriggeredRequest = Connection & DecisionTrigger;

/**
 * Reads the inputs of all requests at once, decides each, and enqueues each location with pending effects once. One transaction
 * writes verdicts, audit entries and pending effects of several requests.
 */
export async function decideConnections(requests: readonly TriggeredRequest[], deps: DecideDeps) {
  const results = await decideAndWrite(requests, deps);
  const locations = new Map(
    results.flatMap((result) =>
      'output' in result && isUnappliedVerdict(result.output)
        ? [[formatAccountRegion(result.input.location), result.input.location] as const]
        : [],
    ),
  );
  await Promise.all([...locations.values()].map((location) => deps.applyQueue.enqueue(location)));
  return results;
}

/**
 * Decides one request, and writes verdict, audit entries, pending effect and a person's decision in one transaction. With a
 * quorum above one, an approval may leave the request open. On a conflict the function reads and decides again.
 * @throws OptimisticLockError, and for a person's decision UnknownGroupError and NotAuthorizedError
 */
export async function decideConnection(
  request: Connection,
  deps: PrepareDecisionDeps,
  trigger: DecisionTrigger = {},
): Promise<DecideResult> {
  const [result] = await decideAndWrite([{ ...request, ...trigger }], deps);
  if (result && 'output' in result) return result.output;
  throw result?.error;
}

function decideAndWrite(requests: readonly TriggeredRequest[], deps: PrepareDecisionDeps) {
  return writeBatch(
    requests,
    deps.table,
    async (open) => {
      const itemIndex = indexByKey(await deps.table.get(open.flatMap(decisionKeys)));
      return settleEach(open, ({ decision, observedAt, ...request }) =>
        prepareDecision(request, itemIndex, deps, { decision, observedAt }),
      );
    },
    ({ endpointId }) => endpointId,
  );
}

/** Selects the log fields of a decision. */
export function decisionLogFields(decision: DecideResult) {
  const verdict = 'isNew' in decision ? decision.record.verdict : undefined;
  return { outcome: decision.outcome, ...(verdict && { findings: verdict.findings }) };
}

/** Lists the rules that failed in a new decision; empty for a repeated event. */
export function failedRules(decision: DecideResult): readonly Finding[] {
  const findings = 'isNew' in decision && decision.isNew ? decision.record.verdict?.findings : [];
  return findings?.filter(({ failed }) => failed) ?? [];
}

/** Whether a verdict waits for its first call to EC2. It may be new, or a crash prevented the enqueue of its location. */
function isUnappliedVerdict(decision: DecideResult): boolean {
  return (
    'record' in decision &&
    decision.record.pendingEffect !== undefined &&
    decision.record.pendingEffect.attempts === 0
  );
}
