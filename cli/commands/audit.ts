import type * as v from 'valibot';
import { VerificationPage } from '../api-views.ts';
import { CommandError } from '../command-error.ts';
import type { HandlerDeps } from '../handler.ts';
import type { CommonOptions } from '../options.ts';
import { table } from '../output.ts';
import type { Session } from '../session.ts';

interface VerifyOptions extends CommonOptions {
  readonly endpoint?: string;
  readonly service?: string;
}

type Broken = v.InferOutput<typeof VerificationPage>['broken'];

export function verifyAudit({ open }: HandlerDeps) {
  return async ({ endpoint, service, ...common }: VerifyOptions) => {
    const session = await open(common);
    const { verified, broken } = await verification({ endpoint, service }, session);
    const sum = `${counted(verified, 'audit trail is', 'audit trails are')} as written`;
    if (broken.length === 0) return session.output.result({ verified, broken }, sum);
    session.output.result({ verified, broken }, `${listed(broken, session)}\n\n${sum}`);
    throw new CommandError(
      'checkFailed',
      `${counted(broken.length, 'audit trail is', 'audit trails are')} broken`,
    );
  };
}

async function verification(query: Record<string, string | undefined>, { api, progress }: Session) {
  let verified = 0;
  const broken: Broken[number][] = [];
  let nextToken: string | undefined;
  do {
    const page = await api.call('GET', ['audit', 'verification'], VerificationPage, {
      query: { ...query, nextToken },
    });
    verified += page.verified;
    broken.push(...page.broken);
    nextToken = page.nextToken ?? undefined;
    progress.doing(`${counted(verified + broken.length, 'audit trail', 'audit trails')} read`);
  } while (nextToken !== undefined);
  return { verified, broken };
}

function listed(broken: Broken, { output }: Session): string {
  return table(
    ['ENDPOINT', 'ENTRY', 'WHAT IS WRONG'],
    broken.map(({ endpointId, sequence, problem }) => ({ cells: [endpointId, String(sequence), problem] })),
    output,
  );
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
