import type { Output } from '../output.ts';
import {
  type ChangeSymbol,
  changeSections,
  effectSections,
  headerOf,
  interruptedText,
  type Line,
  otherSections,
  type Planned,
  type Section,
  summaryOf,
} from './report.ts';

const styles = { '+': 'green', '-': 'red', '~': 'yellow' } as const;

/** A plan for people at a terminal. */
export function planText(planned: Planned, output: Output): string {
  const unfinished = interruptedText(planned);
  return [
    headerOf(planned),
    ...(unfinished ? [output.paint('yellow', unfinished)] : []),
    ...changeSections(planned.changes).map((section) => formatSection(section, output)),
    ...effectSections(planned.effects).map((section) => formatSection(section, output)),
    ...otherSections(planned.changes).map((section) => formatSection(section, output)),
    output.paint('bold', summaryOf(planned)),
  ].join('\n\n');
}

function formatSection({ title, lines }: Section, output: Output): string {
  return [output.paint('bold', title), ...lines.flatMap((line) => formatLine(line, output))].join('\n');
}

function formatLine({ sign, text, details }: Line, { paint }: Output): string[] {
  return [`  ${painted(sign, paint)} ${text}`, ...details.map((detail) => paint('dim', `      ${detail}`))];
}

function painted(sign: ChangeSymbol, paint: Output['paint']): string {
  return sign === ' ' ? sign : paint(styles[sign], sign);
}
