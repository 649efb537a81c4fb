/**
 * What moves a terminal's cursor, rings its bell, hides text or turns the direction of writing: controls of C0 and C1, DEL, formats
 * such as U+202E and U+200B, separators of lines, halves of characters. Values from outside may hold all of it: each such character
 * is marked where they come in, and written visibly where they are printed. In between a line's end is linkgate's own.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufdd0]/gu;

/** No text has this: Unicode reserves it for the inside of programs. A mark is as long as it will be shown. */
const sign = '\ufdd0';
const markPattern = /\ufdd0(?:([nt])|u\{([0-9a-f]+)\})/g;
const escapesByCharacter: Readonly<Record<string, string>> = { '\n': 'n', '\t': 't' };
const charactersByEscape: Readonly<Record<string, string>> = { n: '\n', t: '\t' };

function formatCodePoint(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}

function formatEscape(character: string): string {
  return escapesByCharacter[character] ?? `u{${formatCodePoint(character)}}`;
}

/** A value from outside, of which no character does anything to a terminal any more. */
export function markControls(text: string): string {
  return text.replace(unsafe, (character) => `${sign}${formatEscape(character)}`);
}

/** For `JSON.parse`. */
export function markValue(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? markControls(value) : value;
}

/** The value as it came. */
export function unmarkControls(text: string): string {
  return text.replace(markPattern, (_mark, name?: string, code = '0') =>
    name === undefined ? String.fromCodePoint(Number.parseInt(code, 16)) : (charactersByEscape[name] ?? ''),
  );
}

/** The lines of a text that linkgate's API has put into lines itself. */
export function splitMarkedLines(text: string): string[] {
  return text.split(`${sign}n`);
}

/** JSON of values as they came, in which whatever was marked or would have to be is escaped. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent)
    .replace(markPattern, (mark) => escapeForJson(unmarkControls(mark)))
    .replace(unsafe, (character) => (character === '\n' ? character : escapeForJson(character)));
}

function escapeForJson(text: string): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** A copy of a value as it came. */
export function unmarkDeep<Value extends object>(value: Value): Value {
  return JSON.parse(safeJson(value));
}

/** Whether YAML has to quote and escape a text, so that a terminal can show the file and the file says the same. */
export function needsEscapes(text: string): boolean {
  return text.replaceAll('\n', '').search(unsafe) >= 0;
}

/** YAML in which such texts are quoted. */
export function safeYaml(yaml: string): string {
  return yaml.replace(unsafe, (character) => {
    if (character === '\n') return character;
    const code = formatCodePoint(character);
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

const colourOrUnsafe = new RegExp(`\\u001b\\[\\d+m|${unsafe.source}`, 'gu');

/** As a terminal may show it: with linkgate's own lines and, where it has any, colours. */
export function showControls(text: string, { isColoured }: { readonly isColoured: boolean }): string {
  return text.replace(colourOrUnsafe, (match) => {
    if (match === '\n' || (isColoured && match.length > 1 && match.startsWith('\u001b'))) return match;
    return match === sign ? '\\' : [...match].map(escapeControl).join('');
  });
}

/** Control characters without a mark. */
function escapeControl(character: string): string {
  return character.search(unsafe) >= 0 ? `\\${formatEscape(character)}` : character;
}
