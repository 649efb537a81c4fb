/** `; did you mean …?` where one of the names differs from what was written by a slip or two. */
export function didYouMean(written: string, names: Iterable<string>): string {
  const close = [...names]
    .map((name) => ({ name, slips: slipsBetween(written, name) }))
    .filter(({ slips }) => slips <= Math.min(2, written.length / 3))
    .sort((one, other) => one.slips - other.slips)[0];
  return close ? `; did you mean \`${close.name}\`?` : '';
}

/** How many letters were left out, added or replaced. */
function slipsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one.toLowerCase()].entries()) {
    const next = [index + 1];
    for (const [at, letterThere] of [...other.toLowerCase()].entries())
      next.push(
        Math.min(
          (next[at] ?? 0) + 1,
          (row[at + 1] ?? 0) + 1,
          (row[at] ?? 0) + (letter === letterThere ? 0 : 1),
        ),
      );
    row = next;
  }
  return row.at(-1) ?? 0;
}
