import type { CheckedResult } from '../checks/run-checks.ts';

/** A warning or a failure has a remedy. */
export interface DoctorResult {
  /** `deployment`, `queues`, `slack`, …: a heading of the report. */
  readonly group: string;
  readonly name: string;
  /** The queue, location or service of the check; null if there is only one. */
  readonly subject: string | null;
  readonly status: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  readonly remedy: string | null;
}

/** A check that could not run fails. */
export function toDoctorResult(group: string, result: CheckedResult): DoctorResult {
  const { checkId: name, subject = null, text: detail } = result;
  const common = { group, name, subject, detail };
  if (!('remedy' in result)) return { ...common, status: 'ok', remedy: null };
  const isLow = result.status === 'FAIL' && result.severity === 'low';
  return { ...common, status: isLow ? 'warning' : 'failed', remedy: result.remedy };
}
