import * as v from 'valibot';

/** Neither blank nor ignored where it is shown; U+2800 is a pattern of Braille without a dot. */
const visiblePattern = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** A text without the blanks around it; empty where nobody would see any of it. */
export function visibleText(text: string): string {
  return visiblePattern.test(text) ? text.trim() : '';
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** In UTF-16 units. What is longer, such as a letter under a heap of marks, counts as several, so that storage has a limit too. */
const maxCharacterUnits = 20;

function graphemeSize(grapheme: string): number {
  return Math.ceil(grapheme.length / maxCharacterUnits);
}

/** Whether a text has so many characters at most, as people count them: a flag is one, a letter with its accents too. */
export function fitsCharacters(longest: number, text: string): boolean {
  if (text.length <= longest) return true;
  if (text.length > longest * maxCharacterUnits) return false;
  let count = 0;
  for (const { segment } of segmenter.segment(text)) count += graphemeSize(segment);
  return count <= longest;
}

/** As much of the beginning of a text as has so many characters, none of them cut in two. */
export function truncateCharacters(longest: number, text: string): string {
  if (text.length <= longest) return text;
  let count = 0;
  for (const { segment, index } of segmenter.segment(text)) {
    count += graphemeSize(segment);
    if (count > longest) return text.slice(0, index);
  }
  return text;
}

/** A text of so many characters at most, as people count them. */
export function Text(longest: number) {
  return v.pipe(v.string(), maxCharacters(longest));
}

/** A text that people may leave empty: what nobody would see is empty too. */
export function OptionalText(longest: number) {
  return v.pipe(v.string(), v.transform(visibleText), maxCharacters(longest));
}

/** A text that people can see. */
export function RequiredText(longest: number, missing: string) {
  const some = v.nonEmpty<string, string>(missing);
  return v.pipe(v.string(), some, v.transform(visibleText), some, maxCharacters(longest));
}

function maxCharacters(longest: number) {
  return v.check<string, string>(
    (text) => fitsCharacters(longest, text),
    `Shorten it to ${longest.toLocaleString('en')} characters.`,
  );
}
