import type * as v from 'valibot';

/** The words of the sender for the parts of the input. */
interface Idiom {
  /** The word for the invalid value: `it` or `this`. */
  readonly subject: string;
  /** The word for a value with fields. */
  readonly map: string;
}

/** Describes an invalid value whose schema has no message of its own: the expected and the received value. */
export function describeIssue(issue: v.BaseIssue<unknown>, { subject, map }: Idiom): string {
  const { input, type, requirement, expected, received } = issue;
  const [, bound] = /^(min|max)_(?:length|graphemes|entries)$/.exec(type) ?? [];
  if (bound !== undefined) {
    const unit = typeof input === 'string' ? 'characters' : 'entries';
    return `${subject} has to have ${bound === 'min' ? 'at least' : 'at most'} ${requirement} ${unit}, and has ${received}`;
  }
  return `${subject} has to be ${describeAlternatives(expected, map)}, and is ${describeValue(received, map)}`;
}

/** Formats `("ask" | "hold")` as `ask` or `hold`, in backticks. */
function describeAlternatives(expected: string | null, map: string): string {
  const kinds = expected?.replaceAll(/^\(|\)$/g, '').split(' | ') ?? [];
  return kinds.map((each) => describeValue(each, map)).join(' or ');
}

/** The maximum length of a quoted value, in characters. */
const maxQuotedLength = 100;

function describeValue(received: string, map: string): string {
  const [, text] = /^"(.*)"$/s.exec(received) ?? [];
  if (text !== undefined)
    return text.length > maxQuotedLength
      ? `\`${text.slice(0, maxQuotedLength).toWellFormed()}…\``
      : `\`${text}\``;
  return received === 'Object' ? map : (typeNames.get(received) ?? received);
}

const typeNames: ReadonlyMap<string, string> = new Map([
  ['Array', 'a list'],
  ['string', 'a text'],
  ['number', 'a number'],
  ['boolean', '`true` or `false`'],
  ['null', 'nothing'],
  ['NaN', 'no number'],
]);
