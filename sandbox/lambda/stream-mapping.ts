import { randomUUID } from 'node:crypto';
import { compilePattern } from '../aws/event-pattern.ts';
import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { InFlight } from '../in-flight.ts';
import { batchItemFailures, type Outcome } from './execution-environment.ts';

export interface StreamMapping {
  readonly streamArn: string;
  readonly functionArn: string;
  readonly batchSize: number;
  /** The batching window in seconds. */
  readonly windowSeconds: number;
  readonly maximumRetries: number;
  /** Filter patterns as JSON text. Lambda skips a record that matches none. */
  readonly filters: readonly string[];
}

/** A record as Lambda reads it from the stream. */
export interface StreamRecord {
  readonly eventID: string;
  readonly dynamodb: { readonly SequenceNumber: string };
}

interface PendingRecord {
  readonly record: StreamRecord;
  /** The earliest time of its delivery. */
  readonly from: number;
}

interface StreamMappingDeps {
  readonly clock: Clock;
  readonly inFlight: InFlight;
  readonly faults: Faults;
  readonly invoke: (event: unknown) => Promise<Outcome>;
  /** The unhandled records. */
  readonly pendingRecords?: Map<string, PendingRecord>;
  /** Sends the metadata of discarded records to the on-failure destination. */
  readonly sendToOnFailure: (metadata: unknown) => void;
}

const retryDelayMs = 1000;

/**
 * The event source mapping of a table's stream: one shard, in order, one batch at a time. Returns the function that takes
 * new records.
 */
export function mapStream(mapping: StreamMapping, deps: StreamMappingDeps) {
  const { clock, inFlight, faults, invoke, pendingRecords = new Map() } = deps;
  const filterTests = mapping.filters.map((filter) => compilePattern(JSON.parse(filter)));
  const windowMs = mapping.windowSeconds * 1000;
  let running = false;
  let gathering = false;

  function ready(): [string, PendingRecord][] {
    return [...pendingRecords].filter(([, { from }]) => from <= clock.now());
  }

  async function drain() {
    for (let batch = ready(); batch.length > 0; batch = ready()) {
      const next = batch.slice(0, mapping.batchSize);
      await handle(
        next.map(([, { record }]) => record),
        0,
      );
      for (const [id] of next) pendingRecords.delete(id);
    }
    running = false;
  }

  /** Records in an open batching window do not count as in flight. */
  function start() {
    if (windowMs === 0) return startDrain();
    if (gathering || ready().length === 0) return;
    gathering = true;
    clock.at(clock.now() + windowMs, () => {
      gathering = false;
      startDrain();
    });
  }

  function startDrain() {
    if (running || ready().length === 0) return;
    running = true;
    void inFlight.track(drain);
  }

  /** Runs a batch until it succeeds or its retries are used up. After a bisect each half runs on its own. */
  async function handle(batch: readonly StreamRecord[], retries: number): Promise<void> {
    const outcome = await invoke({ Records: batch });
    const from = firstFailure(outcome, batch);
    const failed = batch.slice(from);
    if (failed.length === 0) return;
    if (retries >= mapping.maximumRetries)
      return deps.sendToOnFailure(createFailureMetadata(failed, retries + 1));

    await new Promise<void>((resolve) => clock.at(clock.now() + retryDelayMs, resolve));
    if (failed.length === 1) return handle(failed, retries + 1);
    const middle = Math.ceil(failed.length / 2);
    // A bisect does not count as a retry.
    await handle(failed.slice(0, middle), retries);
    await handle(failed.slice(middle), retries);
  }

  function createFailureMetadata(failed: readonly StreamRecord[], attempts: number) {
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
      if (filterTests.some((matches) => matches(record))) pendingRecords.set(randomUUID(), { record, from });
    if (from <= clock.now()) start();
    else clock.at(from, start);
  }

  // The records of an earlier process may be due much later.
  for (const { from } of pendingRecords.values()) clock.at(from, start);

  return (records: readonly StreamRecord[]) => {
    const fault = faults.findDeliveryFault('streams');
    if (fault?.drop) return;
    take(records, clock.now() + (fault?.delayMs ?? 0));
    if (fault?.duplicate) take(records, clock.now());
  };
}

/** Returns the index of the lowest failed sequence number; Lambda continues there. */
function firstFailure(outcome: Outcome, batch: readonly StreamRecord[]): number {
  const failed = batchItemFailures(outcome);
  if (!failed) return 0;
  const indices = failed.map((id) => batch.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === id));
  // An unknown id fails the whole batch.
  return Math.max(Math.min(batch.length, ...indices), 0);
}
