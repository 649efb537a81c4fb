import type { Runtime } from '../runtime/runtime.ts';

export type CheckGroup =
  | 'deployment'
  | 'queues'
  | 'slack'
  | 'mail'
  | 'consumers'
  | 'locations'
  | 'services'
  | 'audit'
  | 'items';

/** What was found; whatever is not in order says what to do about it. */
export type CheckResult =
  | { readonly status: 'ok'; readonly detail: string }
  | { readonly status: 'warning' | 'failed'; readonly detail: string; readonly remedy: string };

export interface Check {
  readonly group: CheckGroup;
  readonly name: string;
  /** Which queue, place or service it is about; null where there is only one. */
  readonly subject: string | null;
  readonly status: CheckResult['status'];
  readonly detail: string;
  readonly remedy: string | null;
}

/** The checks of one subject by name, each with what finds it out. */
export type CheckSet = Readonly<Record<string, () => CheckResult | Promise<CheckResult>>>;

export const ok = (detail: string): CheckResult => ({ status: 'ok', detail });
export const warning = (detail: string, remedy: string): CheckResult => ({
  status: 'warning',
  detail,
  remedy,
});
export const failed = (detail: string, remedy: string): CheckResult => ({ status: 'failed', detail, remedy });

/** Makes each check on its own: one that cannot find out has failed, and keeps no other from being made. */
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
          reportError(error);
          return toUnknownResult(error);
        });
      return { group, name, subject, remedy: null, ...result };
    }),
  );
}

/** How AWS's services call a permission that is missing. */
const accessDeniedErrors = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationError',
  'AuthorizationErrorException',
  'UnauthorizedOperation',
]);

/** What to do about a permission that a refusal names. */
export const grantPermissionRemedy =
  "linkgate's role lacks the permission that the detail names: `npx serverless deploy` gives it; where a permissions boundary or a policy of your organization denies it, allow it there";

function toUnknownResult(error: unknown): CheckResult {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return failed(
    `it cannot be found out: ${name}: ${message}`,
    accessDeniedErrors.has(name)
      ? grantPermissionRemedy
      : 'try again; where it stays so, the log of on-api-request says more',
  );
}
