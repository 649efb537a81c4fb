import type * as v from 'valibot';
import { VerificationPage } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import { table } from '../output.ts';
import type { Session } from '../session.ts';

type Verification = v.InferOutput<typeof VerificationPage>;

export async function verifyAudit(
  { api, output, progress }: Session,
  { endpoint, service }: Readonly<Record<'endpoint' | 'service', string | undefined>>,
) {
  const pages = await api.readPages(['audit', 'verification'], VerificationPage, {
    query: { endpoint, service },
    onPage(pagesRead) {
      const { verified, broken } = mergePages(pagesRead);
      progress.report(`${formatTrails(verified + broken.length)} read`);
    },
  });
  const { verified, broken } = mergePages(pages);
  const summary = `${formatTrails(verified)} ${isOrAre(verified)} as written`;
  if (broken.length === 0) return output.result({ verified, broken }, summary);
  const rows = broken.map(({ endpointId, sequence, problem }) => ({
    cells: [endpointId, String(sequence), problem],
  }));
  const brokenTable = table(['ENDPOINT', 'ENTRY', 'WHAT IS WRONG'], rows, output);
  output.result({ verified, broken }, `${brokenTable}\n\n${summary}`);
  throw new CommandError('checkFailed', `${formatTrails(broken.length)} ${isOrAre(broken.length)} broken`);
}

function mergePages(pages: readonly Verification[]): Pick<Verification, 'verified' | 'broken'> {
  return {
    verified: pages.reduce((sum, page) => sum + page.verified, 0),
    broken: pages.flatMap((page) => page.broken),
  };
}

function formatTrails(count: number): string {
  return `${count} audit trail${count === 1 ? '' : 's'}`;
}

function isOrAre(count: number): string {
  return count === 1 ? 'is' : 'are';
}
