import type { EmailMessage } from './email-sender.ts';

/** SNS `Publish` accepts a subject of printable ASCII with fewer than 100 characters. */
const maxSubjectLength = 99;

/** @param parts paragraphs, each a list of lines */
export function composeEmail(subject: string, parts: readonly (readonly string[])[]): EmailMessage {
  const text = parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(replaceLineBreaks).join('\n'))
    .join('\n\n');
  return { subject: toPrintableSubject(subject), text: `${text}\n` };
}

/** Replaces line breaks in external text, so that it cannot imitate a line of linkgate. */
function replaceLineBreaks(line: string): string {
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

function toPrintableSubject(subject: string): string {
  const ascii = replaceLineBreaks(subject).replace(/[^ -~]/gu, '?');
  return ascii.length <= maxSubjectLength ? ascii : `${ascii.slice(0, maxSubjectLength - 3)}...`;
}
