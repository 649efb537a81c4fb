/** A value from outside, as a shell takes it for one word of a printed command. */
export function shellWord(value: string): string {
  return /^[\w@%+=:,./…-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
