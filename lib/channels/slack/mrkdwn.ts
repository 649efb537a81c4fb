/** The limits of Block Kit, in characters and elements. Slack rejects a message or a view that exceeds one. */
export const slackLimits = {
  text: 4_000,
  header: 150,
  section: 3_000,
  /** All blocks of a message as JSON. Slack does not document it: see bolt-js issues 2509 and 2867. */
  blocks: 13_200,
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

/** Text in Slack mrkdwn with escaped external values. */
export interface Markup {
  readonly markup: string;
}

type MarkupPart = string | number | Markup;

/** Escapes each value of the template that is not `Markup` itself. */
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
 * Escapes text, so that an external name cannot mention a channel, disguise a link or begin a line. A lone surrogate becomes
 * U+FFFD.
 */
export function escapeMrkdwn(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\s*[\r\n]\s*/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** Truncates markup including its escapes, and splits no entity, mention or date. */
export function truncate(limit: number, { markup: text }: Markup): string {
  if (text.length <= limit) return text;
  const prefix = text.slice(0, limit - 1);
  // In a complete markup, `&` begins an entity, and `<` a mention, a date or a link.
  const partialToken = /&[a-z]*$|<[^>]*$/.exec(prefix);
  return `${dropHalfSurrogate(partialToken ? prefix.slice(0, partialToken.index) : prefix)}…`;
}

/** Truncates plain text, which Slack does not parse as markup. */
export function truncatePlain(limit: number, original: string): string {
  const text = original.toWellFormed();
  return text.length <= limit ? text : `${dropHalfSurrogate(text.slice(0, limit - 1))}…`;
}

/** Drops a lone high surrogate at the end: a character outside the basic plane has two code units. */
function dropHalfSurrogate(text: string): string {
  return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text;
}
