import * as v from 'valibot';

/** Matches a visible character. U+2800 is the Braille pattern without a dot. */
const visiblePattern = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Trims a text. A text without a visible character becomes empty. */
export function visibleText(text: string): string {
  return visiblePattern.test(text) ? text.trim() : '';
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The maximum UTF-16 units of one character. A longer grapheme counts as several characters, so that storage is limited too. */
const maxCharacterUnits = 20;

function graphemeSize(grapheme: string): number {
  return Math.ceil(grapheme.length / maxCharacterUnits);
}

/** Whether a text fits a limit in user-perceived characters: a flag counts as one, and so does a letter with its accents. */
export function fitsCharacters(longest: number, text: string): boolean {
  if (text.length <= longest) return true;
  if (text.length > longest * maxCharacterUnits) return false;
  let count = 0;
  for (const { segment } of segmenter.segment(text)) count += graphemeSize(segment);
  return count <= longest;
}

/** Truncates a text to a number of characters without splitting one. */
export function truncateCharacters(longest: number, text: string): string {
  if (text.length <= longest) return text;
  let count = 0;
  for (const { segment, index } of segmenter.segment(text)) {
    count += graphemeSize(segment);
    if (count > longest) return text.slice(0, index);
  }
  return text;
}

/** Validates a text with a maximum length in user-perceived characters. */
export function Text(longest: number) {
  return v.pipe(v.string(), maxCharacters(longest));
}

/** Validates a text that may be empty. A text without a visible character is empty. */
export function OptionalText(longest: number) {
  return v.pipe(v.string(), v.transform(visibleText), maxCharacters(longest));
}

/** Validates a text with at least one visible character. */
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
