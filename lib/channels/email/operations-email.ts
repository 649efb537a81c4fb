import { type OperationsNotice, operationsNoticeTitle } from '../../approvers/operations-notice.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailMessage } from './email-sender.ts';

/** Renders an operations notice for the subscribers of the operations topic. */
export function operationsEmail(notice: OperationsNotice): EmailMessage {
  const title = operationsNoticeTitle(notice);
  return composeEmail(`linkgate: ${title}`, [
    [`${title}.`],
    notice.lines,
    [`Severity: ${notice.severity}`, 'Who gets operations notices: linkgate operations show'],
  ]);
}
