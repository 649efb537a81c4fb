import { type CheckResult, failed, ok } from './check.ts';
import type { Deployment } from './deployment.ts';

interface CheckedSecret {
  /** Below `/linkgate/<stage>/`. */
  readonly name: string;
  readonly what: string;
  /** The command that makes it. */
  readonly remedy: string;
}

/** Whether a secret is there, and kept as one. Its value is not read. */
export async function checkSecret(
  { name, what, remedy }: CheckedSecret,
  { parameters, stage }: Pick<Deployment, 'parameters' | 'stage'>,
): Promise<CheckResult> {
  const type = (await parameters()).get(name);
  if (type === 'SecureString') return ok('it is there');
  return type === undefined
    ? failed(`there is no ${what}`, remedy)
    : failed(
        `the ${what} is a ${type}, which anybody may read who may read parameters`,
        `aws ssm delete-parameter --name /linkgate/${stage}/${name}\n${remedy}`,
      );
}
