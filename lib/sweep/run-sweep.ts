import { addCounts } from '../reconcile/detect-changes.ts';
import { ExpiredTokenError } from '../storage/cursor.ts';
import type { SweepCheckpoint, SweepLease } from './lease.ts';
import { emptySweep, type SweepPage, type SweepResult, type SweepStep } from './sweep.ts';

interface SweepRun {
  /** @throws ExpiredTokenError if the token is too old. */
  readonly readPage: (
    nextToken: string | undefined,
  ) => Promise<SweepPage & { readonly nextToken?: string | undefined }>;
  readonly steps: readonly SweepStep[];
  /** Milliseconds until Lambda stops this invocation. */
  readonly remainingMs: () => number;
}

/** A run saves its checkpoint and stops when less time than this remains. */
const minRemainingToSweepMs = 10_000;

/**
 * Runs the steps over all pages from the checkpoint of the lease, and saves a checkpoint after each page. An expired page token
 * restarts the sweep at the first page. The run releases the lease at its end; after a crash the lease ends by itself, and the next
 * run resumes.
 * @returns undefined when the time is up; the next run resumes from the checkpoint.
 */
export async function runSweep(
  lease: SweepLease,
  { readPage, steps, remainingMs }: SweepRun,
): Promise<SweepResult | undefined> {
  const { checkpoint } = lease;
  let { nextToken, counts }: SweepCheckpoint = checkpoint ?? {
    counts: await sumCounts(emptySweep(), steps, ({ start }) => start?.()),
  };
  for (;;) {
    const page = await readPage(nextToken).catch((error: unknown) => {
      if (error instanceof ExpiredTokenError && nextToken !== undefined) return undefined;
      throw error;
    });
    if (!page) {
      nextToken = undefined;
      counts = emptySweep();
      continue;
    }
    counts = await sumCounts(counts, steps, ({ onPage }) => onPage?.(page));
    nextToken = page.nextToken;
    if (nextToken === undefined) break;
    const isOutOfTime = remainingMs() < minRemainingToSweepMs;
    await lease.save({ nextToken, counts }, { release: isOutOfTime });
    if (isOutOfTime) return undefined;
  }
  counts = await sumCounts(counts, steps, ({ finish }) => finish?.());
  await lease.release();
  return counts;
}

/** Runs one function of each step in order, and adds up their counts. */
async function sumCounts(
  before: SweepResult,
  steps: readonly SweepStep[],
  run: (step: SweepStep) => Promise<Partial<SweepResult> | undefined> | undefined,
): Promise<SweepResult> {
  let counts = before;
  for (const step of steps) counts = addCounts(counts, (await run(step)) ?? {});
  return counts;
}
