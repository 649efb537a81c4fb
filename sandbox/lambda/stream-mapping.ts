import { randomUUID } from 'node:crypto';
import { compilePattern } from '../aws/event-pattern.ts';
import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { InFlight } from '../in-flight.ts';
import type { Outcome } from './execution-environment.ts';

export interface StreamMapping {
  readonly streamArn: string;
  readonly functionArn: string;
  readonly batchSize: number;
  /** How long records are gathered before they are handed over. */
  readonly windowSeconds: number;
  /** `Infinity`: until the records expire. */
  readonly maximumRetries: number;
  readonly bisects: boolean;
  readonly reportsItemFailures: boolean;
  /** Patterns as JSON text; a record that matches none is skipped. */
  readonly filters: readonly string[];
}

/** A record as the stream hands it to Lambda. */
export interface StreamRecord {
  readonly eventID: string;
  readonly dynamodb: { readonly SequenceNumber: string };
}

interface WaitingRecord {
  readonly record: StreamRecord;
  /** When it may be handed over. */
  readonly from: number;
}

interface StreamMappingDeps {
  readonly clock: Clock;
  readonly inFlight: InFlight;
  readonly faults: Faults;
  readonly invoke: (event: unknown) => Promise<Outcome>;
  /** The records that are not done with. */
  readonly waiting?: Map<string, WaitingRecord>;
  /** Tells the failure destination of records that were given up: metadata only. */
  readonly giveUp: (metadata: unknown) => void;
}

const retryDelayMs = 1000;

/** Lambda's poller of a table's stream: one shard, so in order and one batch at a time. Returns what takes new records. */
export function mapStream(mapping: StreamMapping, surroundings: StreamMappingDeps) {
  const { clock, inFlight, faults, invoke, waiting = new Map() } = surroundings;
  const wanted = mapping.filters.map((filter) => compilePattern(JSON.parse(filter)));
  const windowMs = mapping.windowSeconds * 1000;
  let running = false;
  let gathering = false;

  function ready(): [string, WaitingRecord][] {
    return [...waiting].filter(([, { from }]) => from <= clock.now());
  }

  async function drain() {
    for (let batch = ready(); batch.length > 0; batch = ready()) {
      const next = batch.slice(0, mapping.batchSize);
      await handle(
        next.map(([, { record }]) => record),
        0,
      );
      for (const [id] of next) waiting.delete(id);
    }
    running = false;
  }

  /** What is gathered on purpose is not under way. */
  function start() {
    if (windowMs === 0) return handOver();
    if (gathering || ready().length === 0) return;
    gathering = true;
    clock.at(clock.now() + windowMs, () => {
      gathering = false;
      handOver();
    });
  }

  function handOver() {
    if (running || ready().length === 0) return;
    running = true;
    void inFlight.during(drain);
  }

  /** One batch until it is done or given up; a failing half does not hold up the other. */
  async function handle(batch: readonly StreamRecord[], retries: number): Promise<void> {
    const outcome = await invoke({ Records: batch });
    const from = firstFailure(outcome, batch, mapping.reportsItemFailures);
    const failed = batch.slice(from);
    if (failed.length === 0) return;
    if (retries >= mapping.maximumRetries) return surroundings.giveUp(metadataOf(failed, retries + 1));

    await new Promise<void>((resolve) => clock.at(clock.now() + retryDelayMs, resolve));
    if (!mapping.bisects || failed.length === 1) return handle(failed, retries + 1);
    const middle = Math.ceil(failed.length / 2);
    // Splitting a batch does not count as a retry.
    await handle(failed.slice(0, middle), retries);
    await handle(failed.slice(middle), retries);
  }

  function metadataOf(failed: readonly StreamRecord[], attempts: number) {
    const [first, last] = [failed[0], failed.at(-1)];
    return {
      version: '1.0',
      timestamp: new Date(clock.now()).toISOString(),
      requestContext: {
        functionArn: mapping.functionArn,
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: attempts,
      },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      DDBStreamBatchInfo: {
        streamArn: mapping.streamArn,
        startSequenceNumber: first?.dynamodb.SequenceNumber,
        endSequenceNumber: last?.dynamodb.SequenceNumber,
        batchSize: failed.length,
      },
    };
  }

  function take(records: readonly StreamRecord[], from: number) {
    for (const record of records)
      if (wanted.length === 0 || wanted.some((matches) => matches(record)))
        waiting.set(randomUUID(), { record, from });
    if (from <= clock.now()) start();
    else clock.at(from, start);
  }

  // Of what an earlier poller left, the last may be long in coming.
  for (const { from } of waiting.values()) clock.at(from, start);

  return (records: readonly StreamRecord[]) => {
    const fault = faults.findDeliveryFault('streams');
    if (fault?.drop) return;
    take(records, clock.now() + (fault?.delayMs ?? 0));
    if (fault?.duplicate) take(records, clock.now());
  };
}

/** Lambda goes on from the lowest record that failed. */
function firstFailure(outcome: Outcome, batch: readonly StreamRecord[], reports: boolean): number {
  if (!outcome.ok) return 0;
  if (!reports) return batch.length;
  const { batchItemFailures = [] } = (outcome.value ?? {}) as {
    batchItemFailures?: { itemIdentifier: string }[];
  };
  const failed = batchItemFailures.map(({ itemIdentifier }) =>
    Math.max(
      batch.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === itemIdentifier),
      0,
    ),
  );
  return Math.min(batch.length, ...failed);
}
