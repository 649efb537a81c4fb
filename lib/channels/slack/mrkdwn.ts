/** Slack's limits, in characters and in pieces; what exceeds one is refused whole, and nothing is shown (Block Kit reference). */
export const slackLimits = {
  text: 4_000,
  header: 150,
  section: 3_000,
  contextElements: 10,
  buttonText: 75,
  value: 2_000,
  optionText: 75,
  options: 100,
  confirmTitle: 100,
  confirmText: 300,
  confirmButton: 30,
  modalTitle: 24,
  textInput: 3_000,
  modalBlocks: 100,
  inputLabel: 2_000,
} as const;

/** Text in Slack's own markup. All that came from outside has been escaped on its way into it. */
export interface Markup {
  readonly markup: string;
}

type MarkupPart = string | number | Markup;

/** Builds markup: what is put into the template is escaped, unless it is markup itself. */
export function markup(literals: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  return { markup: String.raw({ raw: literals }, ...parts.map(escapeMarkupPart)) };
}

export function joinMarkup(parts: readonly MarkupPart[], separator = '\n'): Markup {
  return { markup: parts.map(escapeMarkupPart).join(separator) };
}

function escapeMarkupPart(part: MarkupPart): string {
  return typeof part === 'object' ? part.markup : escapeMrkdwn(String(part));
}

/**
 * Without this whoever names something can mention a channel, disguise a link, or write lines that look like linkgate's own.
 * What is half a character already is replaced.
 */
export function escapeMrkdwn(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\s*[\r\n]\s*/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** Markup within a limit. Counted is what is sent, escapes included; no entity, mention or date is cut in two. */
export function truncate(limit: number, { markup: text }: Markup): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit - 1);
  // Outside of what stands whole, `&` begins an entity and `<` a mention, a date or a link.
  const broken = /&[a-z]*$|<[^>]*$/.exec(cut);
  return `${dropHalfSurrogate(broken ? cut.slice(0, broken.index) : cut)}…`;
}

/** Plain text within a limit: Slack reads no markup in it. */
export function truncatePlain(limit: number, given: string): string {
  const text = given.toWellFormed();
  return text.length <= limit ? text : `${dropHalfSurrogate(text.slice(0, limit - 1))}…`;
}

/** A character outside the first plane is a pair: half of one is none. */
function dropHalfSurrogate(cut: string): string {
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}
