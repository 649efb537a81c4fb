import type { Mail } from './email-sender.ts';

/** SNS takes printable ASCII, and fewer than 100 characters (API reference, Publish). */
const subjectAtMost = 99;

/** @param parts paragraphs of lines. */
export function composeEmail(subject: string, parts: readonly (readonly string[])[]): Mail {
  const text = parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(oneLine).join('\n'))
    .join('\n\n');
  return { subject: printable(subject), text: `${text}\n` };
}

/** What came from outside cannot begin a line of its own, and so pass for something that linkgate says. */
function oneLine(line: string): string {
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

function printable(subject: string): string {
  const ascii = oneLine(subject).replace(/[^ -~]/gu, '?');
  return ascii.length <= subjectAtMost ? ascii : `${ascii.slice(0, subjectAtMost - 3)}...`;
}
