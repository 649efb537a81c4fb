import { type ExpiryWarning, remedyText, warningText, warningTitle } from '../../approvals/expiry-warning.ts';
import { composeEmail } from './compose-email.ts';
import type { Mail } from './email-sender.ts';

/** Tells one approver that an entry by which connections live expires soon. */
export function warningEmail(warning: ExpiryWarning): Mail {
  const { how, command } = remedyText(warning);
  return composeEmail(warningTitle(warning), [
    [`${warningTitle(warning)}.`],
    ...warningText(warning).map((line) => [line]),
    [how, ...(command === undefined ? [] : [command])],
    [`You are told as one of the approvers ${warning.group.name}, 14, 7 and 1 days before.`],
  ]);
}
