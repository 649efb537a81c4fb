import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import {
  fitsCharacters,
  OptionalText,
  RequiredText,
  truncateCharacters,
  visibleText,
} from '../../lib/values/text.ts';

const Reason = RequiredText(1_000, 'say why');
const family = '👨‍👩‍👧‍👦';
const flag = '🏴󠁧󠁢󠁥󠁮󠁧󠁿';

/** Invisible texts by name. */
const invisible = {
  nothing: '',
  blanks: '  \t\n ',
  'no-break spaces': '\u00a0',
  'zero-width spaces': '\u200b\u200b',
  'joiners and direction marks': '\u200d\u200c\u200e\u202e\u2066',
  'byte order marks': '\ufeff',
  'soft hyphens': '\u00ad',
  'Hangul fillers': '\u3164\u115f\uffa0',
  'blank Braille patterns': '\u2800',
  'control characters': '\u0000\u0007\u001b\u0085\u007f',
  'line separators': '\u2028\u2029',
  'variation selectors': '\ufe0f',
  'lone surrogates': '\ud83d',
} as const;

test.each(Object.entries(invisible))('a text that consists of %s counts as empty', (_what, text) => {
  expect(visibleText(text)).toBe('');
  expect(v.safeParse(Reason, text).issues?.[0].message).toBe('say why');
  expect(v.parse(OptionalText(10), text)).toBe('');
});

test('a text is trimmed, and keeps inner white space', () => {
  expect(v.parse(Reason, '  known\n customer ')).toBe('known\n customer');
});

describe('a limit in characters', () => {
  test.each([
    ['letters', 'a'],
    ['emoji', '😀'],
    ['family emoji', family],
    ['flag emoji', flag],
    ['letters with combining accents', 'e\u0301'],
    ['Hangul syllables', '각'],
  ])('counts each of these as one character: %s', (_what, character) => {
    expect(fitsCharacters(1_000, character.repeat(1_000))).toBe(true);
    expect(fitsCharacters(1_000, character.repeat(1_001))).toBe(false);
    expect(v.is(Reason, character.repeat(1_000))).toBe(true);
    expect(v.safeParse(Reason, character.repeat(1_001)).issues?.[0].message).toBe(
      'Shorten it to 1,000 characters.',
    );
  });

  test('counts a letter with very many combining marks as several characters, to limit its storage', () => {
    expect(fitsCharacters(10, `a${'\u0301'.repeat(100)}`)).toBe(true);
    expect(fitsCharacters(10, `a${'\u0301'.repeat(199)}`)).toBe(true);
    expect(fitsCharacters(10, `a${'\u0301'.repeat(200)}`)).toBe(false);
  });

  test('does not truncate a text within a character', () => {
    expect(truncateCharacters(3, family.repeat(5))).toBe(family.repeat(3));
    expect(truncateCharacters(3, 'abc')).toBe('abc');
    expect(truncateCharacters(2, `a${flag}b`)).toBe(`a${flag}`);
  });
});
