/** Returns a copy of an object without some of its attributes. */
export function omit<T extends object, const Name extends keyof T>(
  value: T,
  ...names: readonly Name[]
): Omit<T, Name> {
  const rest = { ...value };
  for (const name of names) delete rest[name];
  return rest;
}
