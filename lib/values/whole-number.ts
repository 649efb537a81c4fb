import * as v from 'valibot';

/** An integer within bounds. */
export function WholeNumber(
  least: number,
  most: number,
  words: { readonly few?: string; readonly many?: string } = {},
) {
  return v.pipe(
    v.number(),
    v.integer('it has to be a whole number'),
    v.minValue(least, words.few ?? `it has to be ${least} at least`),
    v.maxValue(most, words.many ?? `it has to be ${most} at most`),
  );
}
