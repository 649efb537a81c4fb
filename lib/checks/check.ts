/** A statement that should hold of a deployment or of one subject. */
export interface Check<Input> {
  readonly id: string;
  /** The statement, which is also the text when it holds. */
  readonly title: string;
  /**
   * Returns `true` if the statement holds; one result for each subject if the check has several. Throws if it cannot read what it
   * needs.
   */
  readonly run: (input: Input) => CheckOutput | Promise<CheckOutput>;
}

export type CheckOutput = true | CheckResult | readonly (CheckResult | UnreadSubject)[];

/** A subject that could not be read, beside others that could. */
export interface UnreadSubject {
  readonly subject: string;
  readonly error: unknown;
}

/** UNKNOWN: the check could not run. It never counts as passed. */
export type CheckResult = {
  /** The queue, service or address; absent if there is only one. */
  readonly subject?: string;
  readonly text: string;
} & (
  | { readonly status: 'PASS' | 'NOT_APPLICABLE' }
  | { readonly status: 'UNKNOWN'; readonly remedy: string }
  | { readonly status: 'FAIL'; readonly severity: 'low' | 'high'; readonly remedy: string }
);

export const pass = (text: string): CheckResult => ({ status: 'PASS', text });
export const notApplicable = (text: string): CheckResult => ({ status: 'NOT_APPLICABLE', text });
const failWith = (severity: 'low' | 'high') => (text: string, remedy: string) =>
  ({ status: 'FAIL', severity, text, remedy }) as const;
export const warn = failWith('low');
export const fail = failWith('high');

/** The remedy for a missing permission. */
export const grantPermissionRemedy =
  "linkgate's role lacks the permission in the detail: `npx serverless deploy` grants it; if a permissions boundary or a policy of your organization denies it, allow it there";
