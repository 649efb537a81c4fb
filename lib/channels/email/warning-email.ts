import {
  type ExpiryWarning,
  expiryWarningText,
  expiryWarningTitle,
  renewalText,
} from '../../approvals/expiry-warning.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailMessage } from './email-sender.ts';

/** Tells one approver that an entry by which connections live expires soon. */
export function warningEmail(warning: ExpiryWarning): EmailMessage {
  const { how, command } = renewalText(warning);
  return composeEmail(expiryWarningTitle(warning), [
    [`${expiryWarningTitle(warning)}.`],
    ...expiryWarningText(warning).map((line) => [line]),
    [how, ...(command === undefined ? [] : [command])],
    [`You are told as one of the approvers ${warning.group.name}, 14, 7 and 1 days before.`],
  ]);
}
