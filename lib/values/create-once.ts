/** Calls `make` at the first use, and shares its result. A shared promise shares its error too. */
export function createOnce<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
