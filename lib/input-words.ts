import type * as v from 'valibot';

/** How those who sent something call what it is made of. */
interface Idiom {
  /** `it` or `this`: what is wrong. */
  readonly subject: string;
  /** What has fields. */
  readonly map: string;
}

/** What is wrong with a value from outside, where its schema has no words of its own: what is wanted of it, and what came. */
export function inWords(issue: v.BaseIssue<unknown>, { subject, map }: Idiom): string {
  const { input, type, requirement, expected, received } = issue;
  const [, bound] = /^(min|max)_(?:length|graphemes|entries)$/.exec(type) ?? [];
  if (bound !== undefined) {
    const what = typeof input === 'string' ? 'characters' : 'entries';
    return `${subject} has to have ${boundary(bound, requirement)} ${what}, and has ${received}`;
  }
  const wanted = wishes[type]?.(requirement) ?? anyOf(expected, map);
  return `${subject} has to be ${wanted}, and is ${valueIn(received, map)}`;
}

const wishes: Readonly<Record<string, (requirement: unknown) => string>> = {
  integer: () => 'a whole number',
  safe_integer: () => 'a whole number',
  min_value: (least) => boundary('min', least),
  max_value: (most) => boundary('max', most),
  iso_timestamp: () => 'a time such as 2027-01-31T12:00:00Z',
};

function boundary(bound: string, requirement: unknown): string {
  return `${bound === 'min' ? 'at least' : 'at most'} ${requirement}`;
}

/** `("ask" | "hold")` as `ask` or `hold`, in marks of code. */
function anyOf(expected: string | null, map: string): string {
  const kinds = expected?.replaceAll(/^\(|\)$/g, '').split(' | ') ?? [];
  return kinds.map((each) => valueIn(each, map)).join(' or ');
}

/** The longest of what came that is said again. */
const longest = 100;

function valueIn(named: string, map: string): string {
  const [, text] = /^"(.*)"$/s.exec(named) ?? [];
  if (text !== undefined)
    return text.length > longest ? `\`${text.slice(0, longest).toWellFormed()}…\`` : `\`${text}\``;
  return named === 'Object' ? map : (kinds.get(named) ?? named);
}

const kinds: ReadonlyMap<string, string> = new Map([
  ['Array', 'a list'],
  ['string', 'a text'],
  ['number', 'a number'],
  ['boolean', '`true` or `false`'],
  ['null', 'nothing'],
  ['NaN', 'no number'],
]);
