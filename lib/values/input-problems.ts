import type * as v from 'valibot';

/** How those who sent something call what it is made of. */
interface Idiom {
  /** `it` or `this`: what is wrong. */
  readonly subject: string;
  /** What has fields. */
  readonly map: string;
}

/** What is wrong with a value from outside, where its schema has no words of its own: what is wanted of it, and what came. */
export function describeIssue(issue: v.BaseIssue<unknown>, { subject, map }: Idiom): string {
  const { input, type, requirement, expected, received } = issue;
  const [, bound] = /^(min|max)_(?:length|graphemes|entries)$/.exec(type) ?? [];
  if (bound !== undefined) {
    const what = typeof input === 'string' ? 'characters' : 'entries';
    return `${subject} has to have ${bound === 'min' ? 'at least' : 'at most'} ${requirement} ${what}, and has ${received}`;
  }
  return `${subject} has to be ${describeAlternatives(expected, map)}, and is ${describeValue(received, map)}`;
}

/** `("ask" | "hold")` as `ask` or `hold`, in marks of code. */
function describeAlternatives(expected: string | null, map: string): string {
  const kinds = expected?.replaceAll(/^\(|\)$/g, '').split(' | ') ?? [];
  return kinds.map((each) => describeValue(each, map)).join(' or ');
}

/** The longest of what came that is said again. */
const maxQuotedLength = 100;

function describeValue(named: string, map: string): string {
  const [, text] = /^"(.*)"$/s.exec(named) ?? [];
  if (text !== undefined)
    return text.length > maxQuotedLength
      ? `\`${text.slice(0, maxQuotedLength).toWellFormed()}…\``
      : `\`${text}\``;
  return named === 'Object' ? map : (typeNames.get(named) ?? named);
}

const typeNames: ReadonlyMap<string, string> = new Map([
  ['Array', 'a list'],
  ['string', 'a text'],
  ['number', 'a number'],
  ['boolean', '`true` or `false`'],
  ['null', 'nothing'],
  ['NaN', 'no number'],
]);
