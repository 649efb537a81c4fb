import type { Output } from '../output.ts';
import {
  type ChangeSymbol,
  formatHeader,
  formatInterruption,
  formatSummary,
  listChangeSections,
  listEffectSections,
  listUnmanagedSections,
  type PlanReport,
  type ReportLine,
  type ReportSection,
} from './report.ts';

const styles = { '+': 'green', '-': 'red', '~': 'yellow' } as const;

/** Formats a plan for a terminal. */
export function formatPlanText(planned: PlanReport, output: Output): string {
  const unfinished = formatInterruption(planned);
  return [
    formatHeader(planned),
    ...(unfinished ? [output.paint('yellow', unfinished)] : []),
    ...listChangeSections(planned.changes).map((section) => formatSection(section, output)),
    ...listEffectSections(planned.effects).map((section) => formatSection(section, output)),
    ...listUnmanagedSections(planned.changes).map((section) => formatSection(section, output)),
    output.paint('bold', formatSummary(planned)),
  ].join('\n\n');
}

function formatSection({ title, lines }: ReportSection, output: Output): string {
  return [output.paint('bold', title), ...lines.flatMap((line) => formatLine(line, output))].join('\n');
}

function formatLine({ sign, text, details }: ReportLine, { paint }: Output): string[] {
  return [`  ${paintSign(sign, paint)} ${text}`, ...details.map((detail) => paint('dim', `      ${detail}`))];
}

function paintSign(sign: ChangeSymbol, paint: Output['paint']): string {
  return sign === ' ' ? sign : paint(styles[sign], sign);
}
