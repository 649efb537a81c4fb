import {
  type ExpiryWarningsView,
  expiryConsequences,
  expiryWarningsTitle,
  writeListedWarnings,
} from '../../approvals/expiry-warning-text.ts';
import { type StyledText, writePlain } from '../../values/styled-text.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailMessage } from './email-sender.ts';

/** SNS publishes at most 256 KB. In UTF-8 a character may have several bytes. */
const maxListedLength = 100_000;

/** Warns one approver of allowlist entries with connections that expire soon. */
export function warningEmail(view: ExpiryWarningsView): EmailMessage {
  const title = expiryWarningsTitle(view);
  const { entries, omitted } = writeListedWarnings(
    view.warnings,
    maxListedLength,
    writeLines,
    (lines) => lines.join().length,
  );
  return composeEmail(title, [
    [`${title}.`],
    ...entries,
    writeLines(omitted),
    writeLines(expiryConsequences(view)),
    [
      `You receive this as an approver of the group ${view.group}, 14 days, 7 days and 1 day before the expiry.`,
    ],
  ]);
}

function writeLines(lines: readonly StyledText[]): string[] {
  return lines.map((line) => writePlain(line));
}
