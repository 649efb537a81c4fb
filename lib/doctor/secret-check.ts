import { type CheckResult, failed, ok } from './check.ts';
import type { Deployment } from './deployment.ts';

interface CheckedSecret {
  /** Below `/linkgate/<stage>/`. */
  readonly name: string;
  readonly label: string;
  /** The command that creates it. */
  readonly remedy: string;
}

/** Checks that a secret exists as a `SecureString`, and does not read its value. */
export async function checkSecret(
  { name, label, remedy }: CheckedSecret,
  { parameters, stage }: Pick<Deployment, 'parameters' | 'stage'>,
): Promise<CheckResult> {
  const type = (await parameters()).get(name);
  if (type === 'SecureString') return ok('the parameter exists');
  return type === undefined
    ? failed(`the ${label} does not exist`, remedy)
    : failed(
        `the ${label} is a ${type}, which every reader of parameters can read`,
        `aws ssm delete-parameter --name /linkgate/${stage}/${name}\n${remedy}`,
      );
}
