import {
  changeSections,
  effectSections,
  headerOf,
  interruptedText,
  otherSections,
  type Planned,
  type Section,
  summaryOf,
} from './report.ts';

/** GitHub takes 65,536 characters in a comment. */
const longest = 60_000;

/** A plan as the comment of a pull request. What people wrote stands in blocks of code alone, where it cannot be Markdown. */
export function planMarkdown(planned: Planned): string {
  const unfinished = interruptedText(planned);
  const top = [
    `### linkgate: what this would change at \`${planned.plan.stage}\``,
    `\`${inLine(headerOf(planned))}\``,
    `**${summaryOf(planned)}**`,
    ...(unfinished ? [`\`\`\`text\n${inCode(unfinished)}\n\`\`\``] : []),
  ].join('\n\n');
  // The impact on connections comes first: it must not be truncated.
  const warnings = planned.warnings.map((text) => ({ sign: ' ' as const, text, details: [] }));
  const blocks = [
    ...block('Warnings', 'text', warnings.length > 0 ? [{ title: 'Warnings', lines: warnings }] : []),
    ...block('Connections', 'text', effectSections(planned.effects)),
    ...block('Changes', 'diff', changeSections(planned.changes)),
    ...block('Not changed', 'text', otherSections(planned.changes)),
  ];
  return fitting(top, blocks);
}

interface Block {
  readonly title: string;
  readonly language: string;
  readonly lines: readonly string[];
}

function block(title: string, language: string, sections: readonly Section[]): Block[] {
  const lines = sections.flatMap(({ title: heading, lines: all }) => [
    `# ${heading}`,
    // In a block `diff` GitHub gives `!` a colour, and none to `~`.
    ...all.flatMap(({ sign, text, details }) => [
      `${sign.replace('~', '!')} ${text}`,
      ...details.map((detail) => `      ${detail}`),
    ]),
  ]);
  return lines.length > 0 ? [{ title, language, lines: lines.map(inCode) }] : [];
}

/** Code within a line, whatever stands in it. */
function inLine(text: string): string {
  return text.replaceAll('`', "'").replaceAll(/[\r\n]+/g, ' ');
}

/** One line, which ends no block of code. */
function inCode(line: string): string {
  return line.replaceAll('```', "'''").replaceAll(/[\r\n]+/g, ' ');
}

function fitting(top: string, blocks: readonly Block[]): string {
  let left = longest - top.length;
  const drawn = blocks.map(({ title, language, lines }) => {
    const fits = lines.findIndex((line) => {
      left -= line.length + 1;
      return left < 0;
    });
    const shown = fits < 0 ? lines : lines.slice(0, fits);
    const more = lines.length - shown.length;
    const rest = more > 0 ? [`… and ${more} more lines: \`linkgate plan\` shows them all`] : [];
    return `<details${title === 'Not changed' ? '' : ' open'}><summary>${title}</summary>\n\n\`\`\`${language}\n${[...shown, ...rest].join('\n')}\n\`\`\`\n\n</details>`;
  });
  return [top, ...drawn].join('\n\n');
}
