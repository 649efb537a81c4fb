import type * as v from 'valibot';
import { VerificationPage } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { table } from '../output.ts';
import type { Session } from '../session.ts';

interface VerifyOptions extends CommonOptions {
  readonly endpoint?: string;
  readonly service?: string;
}

type BrokenAuditEntries = v.InferOutput<typeof VerificationPage>['broken'];

export function verifyAudit({ open }: HandlerDeps) {
  return async ({ endpoint, service, ...common }: VerifyOptions) => {
    const session = await open(common);
    const { verified, broken } = await readVerification({ endpoint, service }, session);
    const summary = `${formatCount(verified, 'audit trail is', 'audit trails are')} as written`;
    if (broken.length === 0) return session.output.result({ verified, broken }, summary);
    session.output.result({ verified, broken }, `${formatBrokenTable(broken, session)}\n\n${summary}`);
    throw new CommandError(
      'checkFailed',
      `${formatCount(broken.length, 'audit trail is', 'audit trails are')} broken`,
    );
  };
}

async function readVerification(query: Record<string, string | undefined>, { api, progress }: Session) {
  let verified = 0;
  const broken: BrokenAuditEntries[number][] = [];
  let nextToken: string | undefined;
  do {
    const page = await api.call('GET', ['audit', 'verification'], VerificationPage, {
      query: { ...query, nextToken },
    });
    verified += page.verified;
    broken.push(...page.broken);
    nextToken = page.nextToken ?? undefined;
    progress.report(`${formatCount(verified + broken.length, 'audit trail', 'audit trails')} read`);
  } while (nextToken !== undefined);
  return { verified, broken };
}

function formatBrokenTable(broken: BrokenAuditEntries, { output }: Session): string {
  return table(
    ['ENDPOINT', 'ENTRY', 'WHAT IS WRONG'],
    broken.map(({ endpointId, sequence, problem }) => ({ cells: [endpointId, String(sequence), problem] })),
    output,
  );
}

function formatCount(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
