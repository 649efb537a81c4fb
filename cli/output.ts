import { stripVTControlCharacters, styleText } from 'node:util';
import Table from 'cli-table3';
import { statusLabels } from '../lib/approvals/status-text.ts';
import { markTimes, writePlain } from '../lib/values/styled-text.ts';
import { safeJson } from './control-characters.ts';
import type { Io } from './process-io.ts';

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

/** The output of a command: the result on standard output, everything else on standard error. */
export interface Output {
  readonly paint: Paint;
  /** The maximum length of a line. */
  readonly width: number;
  /** Prints the one result, the document with `--json`, otherwise the text, and then the collected warnings. */
  result(document: object, text: string): void;
  /** Collects warnings. Each is printed once. */
  warn(warnings: readonly string[] | null | undefined): void;
  printWarnings(): void;
  /** Prints a note before the result. */
  say(text: string): void;
}

export function outputTo({ stdout, stderr }: Io, isJson: boolean): Output {
  const warnings = new Set<string>();
  let printedCount = 0;

  function printWarnings(): void {
    for (const warning of [...warnings].slice(printedCount)) stderr.write(`warning: ${warning}\n`);
    printedCount = warnings.size;
  }

  return {
    paint: (style, text) => (stdout.isColoured ? styleText(style, text, { validateStream: false }) : text),
    width: stdout.columns || 80,
    result(document, text) {
      stdout.write(`${isJson ? safeJson(document, 2) : text}\n`);
      printWarnings();
    },
    warn(more) {
      for (const warning of more ?? []) warnings.add(warning);
    },
    printWarnings,
    say: (text) => stderr.write(`${text}\n`),
  };
}

const sides = ['top', 'mid', 'middle', 'bottom', 'left', 'right'];
const noBorders = Object.fromEntries(
  sides.flatMap((side) => ['', '-left', '-mid', '-right'].map((end) => [side + end, ''])),
);

/** The cells of a row, and a coloured text below them across the full width. */
interface Row {
  readonly cells: readonly string[];
  readonly below?: string | null | undefined;
}

/** Renders columns without borders. The last column wraps to the width of the terminal, if its words allow. */
export function table(head: readonly string[], rows: readonly Row[], { paint, width }: Output): string {
  const widths = head.map(
    (title, index) => gap + longest([title, ...rows.map(({ cells }) => cells[index] ?? '')]),
  );
  const precedingWidth = widths.slice(0, -1).reduce((sum, each) => sum + each, 0);
  // The terminal would truncate a longer word.
  const lastColumnWords = rows.flatMap(({ cells }) => cells.at(-1)?.split(' ') ?? []);
  const lastWidth = Math.max(narrowest, longest(lastColumnWords) + gap, width - precedingWidth);
  const layout = new Table({
    head: head.map((title) => paint('dim', title)),
    colWidths: [...widths.slice(0, -1), lastWidth],
    wordWrap: true,
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
  });
  for (const { cells, below } of rows) {
    layout.push([...cells]);
    if (below) layout.push([{ content: below, colSpan: head.length, style: { 'padding-left': gap } }]);
  }
  return withoutTrailingSpace(layout.toString());
}

const gap = 2;
/** The minimum width of a wrapped column. A narrower column is harder to read than a long line. */
const narrowest = 26;

/** Formats labels with their values, and omits undefined values. */
export function keyValues(
  pairs: readonly (readonly [label: string, value: string | null | undefined])[],
  { paint }: Output,
): string {
  const definedPairs = pairs.flatMap(([label, value]) => (value ? [[label, value] as const] : []));
  const width = longest(definedPairs.map(([label]) => label)) + gap;
  return definedPairs.map(([label, value]) => `${paint('dim', label.padEnd(width))}${value}`).join('\n');
}

/** `2027-01-31 12:00:00 UTC` */
export function time(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}

/** Formats the time of a change and, if it is known, its author. */
export function formatChange(
  at: string | null | undefined,
  by: string | null | undefined,
): string | undefined {
  return at ? `${time(at)}${by ? ` by ${by}` : ''}` : undefined;
}

/** Names the policy file as the manager of an item. */
export function formatFileManager({ managedBy }: { managedBy?: string | null | undefined }) {
  return managedBy === 'file' ? 'the policy file' : undefined;
}

/** Formats each ISO 8601 time of a text. */
export function formatTimes(text: string): string {
  return writePlain(markTimes(text), time);
}

/** The label of a status, the same as in messages. A status of a newer version of linkgate shows its own name. */
export function statusLabel(status: string): string {
  const labels: Readonly<Record<string, string>> = statusLabels;
  return labels[status] ?? status;
}

/** `payments (vpce-svc-…)`, or the id alone for a service without a name. */
export function serviceLabel({
  service,
  serviceId,
}: {
  service?: string | null | undefined;
  serviceId: string;
}) {
  return service && service !== serviceId ? `${service} (${serviceId})` : serviceId;
}

/** `222222222222 (initech)`, or the account id alone for an account without a customer. */
export function accountLabel(accountId: string, customer: string | null | undefined): string {
  return customer ? `${accountId} (${customer})` : accountId;
}

/** `alice (arn:aws:iam::111111111111:user/alice)` for the ARN of an identity with a name; any other actor unchanged. */
export function actorLabel(actor: string): string {
  return actor.startsWith('arn:') && actor.includes('/') ? `${shortActor(actor)} (${actor})` : actor;
}

/** `alice` for the ARN of an identity; any other actor unchanged. */
export function shortActor(actor: string): string {
  return actor.startsWith('arn:')
    ? actor.slice(Math.max(actor.lastIndexOf('/'), actor.lastIndexOf(':')) + 1)
    : actor;
}

const styles: Readonly<Record<string, Style>> = {
  accept: 'green',
  allow: 'green',
  available: 'green',
  reject: 'red',
  block: 'red',
  rejected: 'red',
  ask: 'yellow',
  hold: 'yellow',
  pendingAcceptance: 'yellow',
};

/** Colours a state, verdict or effect. */
export function color(value: string, paint: Paint): string {
  const style = styles[value];
  return style ? paint(style, value) : value;
}

function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => stripVTControlCharacters(text).length));
}

function withoutTrailingSpace(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Wraps a text to lines of at most this many characters. A command in backticks stays whole, so that people can copy it. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
