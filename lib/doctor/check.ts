import type { Runtime } from '../runtime/runtime.ts';

export type CheckGroup =
  | 'deployment'
  | 'queues'
  | 'slack'
  | 'email'
  | 'customers'
  | 'locations'
  | 'services'
  | 'audit'
  | 'items';

/** The result of a check. A warning or a failure has a remedy. */
export type CheckResult =
  | { readonly status: 'ok'; readonly detail: string }
  | { readonly status: 'warning' | 'failed'; readonly detail: string; readonly remedy: string };

export interface Check {
  readonly group: CheckGroup;
  readonly name: string;
  /** The queue, location or service of the check; null if there is only one. */
  readonly subject: string | null;
  readonly status: CheckResult['status'];
  readonly detail: string;
  readonly remedy: string | null;
}

/** The checks of one subject by name. */
export type CheckSet = Readonly<Record<string, () => CheckResult | Promise<CheckResult>>>;

export const ok = (detail: string): CheckResult => ({ status: 'ok', detail });
export const warning = (detail: string, remedy: string): CheckResult => ({
  status: 'warning',
  detail,
  remedy,
});
export const failed = (detail: string, remedy: string): CheckResult => ({ status: 'failed', detail, remedy });

/** Runs each check separately: a check that throws fails, and does not stop the others. */
export async function runChecks(
  group: CheckGroup,
  subject: string | null,
  checkSet: CheckSet,
  { reportError }: Pick<Runtime, 'reportError'>,
): Promise<Check[]> {
  return Promise.all(
    Object.entries(checkSet).map(async ([name, findOut]) => {
      const result = await Promise.resolve()
        .then(findOut)
        .catch((error: unknown) => {
          reportError(error, 'run doctor check');
          return toUnknownResult(error);
        });
      return { group, name, subject, remedy: null, ...result };
    }),
  );
}

/** The error names of AWS services for a missing permission. */
const accessDeniedErrors = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationError',
  'AuthorizationErrorException',
  'UnauthorizedOperation',
]);

/** The remedy for a missing permission. */
export const grantPermissionRemedy =
  "linkgate's role lacks the permission in the detail: `npx serverless deploy` grants it; if a permissions boundary or a policy of your organization denies it, allow it there";

function toUnknownResult(error: unknown): CheckResult {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return failed(
    `the check failed: ${name}: ${message}`,
    accessDeniedErrors.has(name)
      ? grantPermissionRemedy
      : 'try again; if the check fails again, see the log of on-api-request',
  );
}
