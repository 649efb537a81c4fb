import {
  formatHeader,
  formatInterruption,
  formatSummary,
  listChangeSections,
  listEffectSections,
  listUnmanagedSections,
  type PlanReport,
  type ReportSection,
} from './report.ts';

/** GitHub limits a comment to 65,536 characters. */
const maxLength = 60_000;

/**
 * Renders a plan as a pull request comment. External text appears only in code blocks, so that GitHub does not render it as
 * Markdown.
 */
export function formatPlanMarkdown(planned: PlanReport): string {
  const unfinished = formatInterruption(planned);
  const top = [
    `### linkgate: what this would change at \`${planned.plan.stage}\``,
    `\`${escapeInlineCode(formatHeader(planned))}\``,
    `**${formatSummary(planned)}**`,
    ...(unfinished ? [`\`\`\`text\n${escapeCodeLine(unfinished)}\n\`\`\``] : []),
  ].join('\n\n');
  // The impact on connections comes first, so that GitHub does not truncate it.
  const warnings = planned.warnings.map((text) => ({ sign: ' ' as const, text, details: [] }));
  const blocks = [
    ...createBlocks('Warnings', 'text', warnings.length > 0 ? [{ title: 'Warnings', lines: warnings }] : []),
    ...createBlocks('Connections', 'text', listEffectSections(planned.effects)),
    ...createBlocks('Changes', 'diff', listChangeSections(planned.changes)),
    ...createBlocks('Not changed', 'text', listUnmanagedSections(planned.changes)),
  ];
  return truncateBlocks(top, blocks);
}

interface Block {
  readonly title: string;
  readonly language: string;
  readonly lines: readonly string[];
}

function createBlocks(title: string, language: string, sections: readonly ReportSection[]): Block[] {
  const lines = sections.flatMap(({ title: heading, lines: all }) => [
    `# ${heading}`,
    // In a `diff` block GitHub colours `!`, and does not colour `~`.
    ...all.flatMap(({ sign, text, details }) => [
      `${sign.replace('~', '!')} ${text}`,
      ...details.map((detail) => `      ${detail}`),
    ]),
  ]);
  return lines.length > 0 ? [{ title, language, lines: lines.map(escapeCodeLine) }] : [];
}

/** Formats any text as inline code. */
function escapeInlineCode(text: string): string {
  return text.replaceAll('`', "'").replaceAll(/[\r\n]+/g, ' ');
}

/** Formats a text as one line that cannot close a code block. */
function escapeCodeLine(line: string): string {
  return line.replaceAll('```', "'''").replaceAll(/[\r\n]+/g, ' ');
}

function truncateBlocks(top: string, blocks: readonly Block[]): string {
  let remainingLength = maxLength - top.length;
  const renderedBlocks = blocks.map(({ title, language, lines }) => {
    const excessIndex = lines.findIndex((line) => {
      remainingLength -= line.length + 1;
      return remainingLength < 0;
    });
    const visibleLines = excessIndex < 0 ? lines : lines.slice(0, excessIndex);
    const more = lines.length - visibleLines.length;
    const rest = more > 0 ? [`… and ${more} more lines: \`linkgate plan\` shows them all`] : [];
    return `<details${title === 'Not changed' ? '' : ' open'}><summary>${title}</summary>\n\n\`\`\`${language}\n${[...visibleLines, ...rest].join('\n')}\n\`\`\`\n\n</details>`;
  });
  return [top, ...renderedBlocks].join('\n\n');
}
