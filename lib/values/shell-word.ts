/** Quotes an external value so that a shell reads it as one word of a printed command. */
export function shellWord(value: string): string {
  return /^[\w@%+=:,./…-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
