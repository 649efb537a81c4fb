import type { Runtime } from '../runtime/runtime.ts';
import { type Check, type CheckResult, grantPermissionRemedy, pass } from './check.ts';

export interface RunChecksDeps extends Pick<Runtime, 'reportError'> {
  /** The function whose log has the errors. */
  readonly functionName: string;
}

/** The result of the check with this id. */
export type CheckedResult = CheckResult & { readonly checkId: string };

const concurrency = 8;

/**
 * Runs checks separately, at most eight at a time, and yields their results in the order of the list. A check that throws is
 * UNKNOWN, and does not stop the others.
 */
export async function* runChecks<Input>(
  checks: readonly Check<Input>[],
  input: Input,
  deps: RunChecksDeps,
): AsyncGenerator<CheckedResult> {
  const running: Promise<CheckedResult[]>[] = [];
  for (const check of checks) {
    if (running.length === concurrency) yield* (await running.shift()) ?? [];
    running.push(runCheck(check, input, deps));
  }
  for (const results of running) yield* await results;
}

async function runCheck<Input>(
  { id, title, run }: Check<Input>,
  input: Input,
  deps: RunChecksDeps,
): Promise<CheckedResult[]> {
  const toUnknown = (error: unknown): CheckResult => {
    deps.reportError(error, `run check ${id}`);
    return unknownResult(error, deps.functionName);
  };
  try {
    const output = await run(input);
    const results = output === true ? [pass(title)] : [output].flat();
    return results.map((result) => ({
      ...('error' in result ? { subject: result.subject, ...toUnknown(result.error) } : result),
      checkId: id,
    }));
  } catch (error) {
    return [{ checkId: id, ...toUnknown(error) }];
  }
}

/** The error names of AWS services for a missing permission. */
const accessDeniedErrors = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationError',
  'AuthorizationErrorException',
  'UnauthorizedOperation',
]);

function unknownResult(error: unknown, functionName: string): CheckResult {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return {
    status: 'UNKNOWN',
    text: `the check failed: ${name}: ${message}`,
    remedy: accessDeniedErrors.has(name)
      ? grantPermissionRemedy
      : `try again; if the check fails again, see the log of ${functionName}`,
  };
}
