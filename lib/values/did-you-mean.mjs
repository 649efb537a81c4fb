/**
 * Returns `; did you mean …?` if one of the names differs from the text by one or two typos. This file is JavaScript, because
 * the Node.js that runs `serverless` reads it too.
 * @param {string} written
 * @param {Iterable<string>} names
 */
export function didYouMean(written, names) {
  const close = [...names]
    .map((name) => ({ name, slips: slipsBetween(written, name) }))
    .filter(({ slips }) => slips <= Math.min(2, written.length / 3))
    .sort((one, other) => one.slips - other.slips)[0];
  return close ? `; did you mean \`${close.name}\`?` : '';
}

/** Counts the letters to remove, add, replace or swap with the next one. */
function slipsBetween(one, other) {
  const [letters, otherLetters] = [one.toLowerCase(), other.toLowerCase()];
  let before = [];
  let row = Array.from({ length: otherLetters.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...letters].entries()) {
    const next = [index + 1];
    for (const [at, otherLetter] of [...otherLetters].entries()) {
      const isSwapped = index > 0 && letter === otherLetters[at - 1] && letters[index - 1] === otherLetter;
      next.push(
        Math.min(
          (next[at] ?? 0) + 1,
          (row[at + 1] ?? 0) + 1,
          (row[at] ?? 0) + (letter === otherLetter ? 0 : 1),
          isSwapped ? (before[at - 1] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [before, row] = [row, next];
  }
  return row.at(-1) ?? 0;
}
