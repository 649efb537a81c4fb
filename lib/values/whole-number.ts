import * as v from 'valibot';

/** Validates an integer within bounds. */
export function WholeNumber(
  least: number,
  most: number,
  messages: { readonly few?: string; readonly many?: string } = {},
) {
  return v.pipe(
    v.number(),
    v.integer('it has to be a whole number'),
    v.minValue(least, messages.few ?? `it has to be ${least} at least`),
    v.maxValue(most, messages.many ?? `it has to be ${most} at most`),
  );
}
