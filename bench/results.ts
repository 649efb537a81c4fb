import { readFile } from 'node:fs/promises';
import type { Figure } from './figure.ts';

export interface BenchResult {
  readonly name: string;
  readonly about: string;
  readonly figures: readonly (Figure & { readonly ratio?: number })[];
}

/** The results of one `npm run bench`. */
export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  /** The load average of the minute before the run. */
  readonly load: number;
  readonly benches: readonly BenchResult[];
}

export const resultsFile = new URL('results.json', import.meta.url);

export async function readResults(): Promise<Results> {
  return JSON.parse(await readFile(resultsFile, 'utf8')) as Results;
}
