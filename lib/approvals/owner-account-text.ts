import { accountText } from '../customers/account-text.ts';
import type { ApprovalView } from './approval-view.ts';

/** Formats the account of a connection, with its customer's name. */
export function ownerAccountText({ record, customer }: Pick<ApprovalView, 'record' | 'customer'>): string {
  return accountText(record.ownerAccountId, customer);
}
