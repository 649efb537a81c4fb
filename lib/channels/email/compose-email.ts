import type { EmailMessage } from './email-sender.ts';

/** SNS takes printable ASCII, and fewer than 100 characters (API reference, Publish). */
const maxSubjectLength = 99;

/** @param parts paragraphs of lines. */
export function composeEmail(subject: string, parts: readonly (readonly string[])[]): EmailMessage {
  const text = parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(replaceLineBreaks).join('\n'))
    .join('\n\n');
  return { subject: toPrintableSubject(subject), text: `${text}\n` };
}

/** What came from outside cannot begin a line of its own, and so pass for something that linkgate says. */
function replaceLineBreaks(line: string): string {
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

function toPrintableSubject(subject: string): string {
  const ascii = replaceLineBreaks(subject).replace(/[^ -~]/gu, '?');
  return ascii.length <= maxSubjectLength ? ascii : `${ascii.slice(0, maxSubjectLength - 3)}...`;
}
