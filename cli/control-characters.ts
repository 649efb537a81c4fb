/**
 * Control and format characters can move a terminal's cursor, ring its bell, hide text or reverse its direction: C0 and C1
 * controls, DEL, formats such as U+202E and U+200B, line separators and lone surrogates. linkgate marks each such character in
 * external values on input, and escapes it on output. An unmarked line break is linkgate's own.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufdd0]/gu;

/** No text contains this character: Unicode reserves it as a noncharacter. A mark has the length of its escape. */
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

/** Marks every control character of an external value, so that a terminal shows it as text. */
export function markControls(text: string): string {
  return text.replace(unsafe, (character) => `${sign}${formatEscape(character)}`);
}

/** Marks control characters, as a reviver for `JSON.parse`. */
export function markValue(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? markControls(value) : value;
}

/** Restores the original value. */
export function unmarkControls(text: string): string {
  return text.replace(markPattern, (_mark, name?: string, code = '0') =>
    name === undefined ? String.fromCodePoint(Number.parseInt(code, 16)) : (charactersByEscape[name] ?? ''),
  );
}

/** Splits a text of linkgate's API at its marked line breaks. */
export function splitMarkedLines(text: string): string[] {
  return text.split(`${sign}n`);
}

/** Serializes original values as JSON, and escapes their control characters. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent)
    .replace(markPattern, (mark) => escapeForJson(unmarkControls(mark)))
    .replace(unsafe, (character) => (character === '\n' ? character : escapeForJson(character)));
}

function escapeForJson(text: string): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** Copies a value with its original texts. */
export function unmarkDeep<Value extends object>(value: Value): Value {
  return JSON.parse(safeJson(value));
}

/** Whether YAML has to quote and escape a text, so that a terminal can show the file without a change of its meaning. */
export function needsEscapes(text: string): boolean {
  return text.replaceAll('\n', '').search(unsafe) >= 0;
}

/** Escapes control characters in YAML that quotes each text with such a character. */
export function safeYaml(yaml: string): string {
  return yaml.replace(unsafe, (character) => {
    if (character === '\n') return character;
    const code = formatCodePoint(character);
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

const colourOrUnsafe = new RegExp(`\\u001b\\[\\d+m|${unsafe.source}`, 'gu');

/** Escapes control characters for a terminal, except linkgate's own line breaks and, if enabled, colours. */
export function showControls(text: string, { isColoured }: { readonly isColoured: boolean }): string {
  return text.replace(colourOrUnsafe, (match) => {
    if (match === '\n' || (isColoured && match.length > 1 && match.startsWith('\u001b'))) return match;
    return match === sign ? '\\' : [...match].map(escapeControl).join('');
  });
}

/** Escapes a control character that has no mark. */
function escapeControl(character: string): string {
  return character.search(unsafe) >= 0 ? `\\${formatEscape(character)}` : character;
}
