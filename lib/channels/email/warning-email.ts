import {
  type ExpiryWarning,
  expiryWarningText,
  expiryWarningTitle,
  renewalText,
} from '../../approvals/expiry-warning-text.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailMessage } from './email-sender.ts';

/** Warns one approver that an allowlist entry with connections expires soon. */
export function warningEmail(warning: ExpiryWarning): EmailMessage {
  const { how, command } = renewalText(warning);
  return composeEmail(expiryWarningTitle(warning), [
    [`${expiryWarningTitle(warning)}.`],
    ...expiryWarningText(warning).map((line) => [line]),
    [how, ...(command === undefined ? [] : [command])],
    [
      `You receive this as an approver of the group ${warning.group.name}, 14 days, 7 days and 1 day before the expiry.`,
    ],
  ]);
}
