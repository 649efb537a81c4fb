import { defaultGroup } from '../approvers/approver-group.ts';
import { defaultDeadlineSeconds } from '../connections/approval-request.ts';
import { defaultGraceSeconds } from '../services/service.ts';
import type { PolicyServiceSettings } from './change.ts';

/** The default settings of a service. */
export const serviceDefaults = {
  onUnlisted: 'ask',
  approvers: defaultGroup,
  requireTicket: false,
  deadlineSeconds: defaultDeadlineSeconds,
  onExpiry: 'escalate',
  graceSeconds: defaultGraceSeconds,
  onExternalAccept: 'ask',
  principals: 'observed',
  otherPrincipals: [],
} as const satisfies Required<Omit<PolicyServiceSettings, 'name'>>;

/** Whether two settings are equal. The order of fields and of list members does not count. */
export function isSameSettings(one: unknown, other: unknown): boolean {
  return JSON.stringify(canonicalForm(one)) === JSON.stringify(canonicalForm(other));
}

function canonicalForm(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => JSON.stringify(canonicalForm(each))).sort();
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => [name, canonicalForm(inner)]);
}
