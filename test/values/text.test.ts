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

/** What nobody sees, by name. */
const invisible = {
  nothing: '',
  blanks: '  \t\n ',
  'a space without a break': '\u00a0',
  'spaces of no width': '\u200b\u200b',
  'joiners and marks of direction': '\u200d\u200c\u200e\u202e\u2066',
  'a byte order mark': '\ufeff',
  'soft hyphens': '\u00ad',
  'fillers of Hangul': '\u3164\u115f\uffa0',
  'an empty pattern of Braille': '\u2800',
  'control characters': '\u0000\u0007\u001b\u0085\u007f',
  'separators of lines': '\u2028\u2029',
  'a selector of variations': '\ufe0f',
  'half a character': '\ud83d',
} as const;

test.each(Object.entries(invisible))('%s count as an empty text', (_what, text) => {
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
    ['a family', family],
    ['a flag', flag],
    ['letters with accents of their own', 'e\u0301'],
    ['Hangul', '각'],
  ])('counts %s like people do', (_what, character) => {
    expect(fitsCharacters(1_000, character.repeat(1_000))).toBe(true);
    expect(fitsCharacters(1_000, character.repeat(1_001))).toBe(false);
    expect(v.is(Reason, character.repeat(1_000))).toBe(true);
    expect(v.safeParse(Reason, character.repeat(1_001)).issues?.[0].message).toBe(
      'Shorten it to 1,000 characters.',
    );
  });

  test('also limits storage: a letter with very many marks counts as several characters', () => {
    expect(fitsCharacters(10, `a${'\u0301'.repeat(100)}`)).toBe(true);
    expect(fitsCharacters(10, `a${'\u0301'.repeat(199)}`)).toBe(true);
    expect(fitsCharacters(10, `a${'\u0301'.repeat(200)}`)).toBe(false);
  });

  test('does not split a character', () => {
    expect(truncateCharacters(3, family.repeat(5))).toBe(family.repeat(3));
    expect(truncateCharacters(3, 'abc')).toBe('abc');
    expect(truncateCharacters(2, `a${flag}b`)).toBe(`a${flag}`);
  });
});
