import { type CheckOutput, fail } from '../checks/check.ts';
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
): Promise<Exclude<CheckOutput, readonly unknown[]>> {
  const type = (await parameters()).get(name);
  if (type === undefined) return fail(`the ${label} does not exist`, remedy);
  return (
    type === 'SecureString' ||
    fail(
      `the ${label} is a ${type}, which every reader of parameters can read`,
      `aws ssm delete-parameter --name /linkgate/${stage}/${name}\n${remedy}`,
    )
  );
}
