export type Random = ReturnType<typeof randomFrom>;

/** A random generator; the same seed gives the same numbers (mulberry32). */
export function randomFrom(seed: number) {
  let state = seed * 0x9e3779b9;

  function fraction(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns an integer from 0 up to, not including, `bound`. */
  const below = (bound: number) => Math.floor(fraction() * bound);

  return {
    below,
    chance: (rate: number) => fraction() < rate,
    pick<T>(values: readonly T[]): T {
      return values[below(values.length)] as T;
    },
    /** Picks a name with a probability by weight. */
    pickWeighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
      const entries = Object.entries<number>(weights);
      let remaining = fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        remaining -= weight;
        if (remaining < 0) return name as Name;
      }
      return entries[0]?.[0] as Name;
    },
  };
}
