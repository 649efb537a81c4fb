const expressions = new Map<string, RegExp>();

/** Whether the text matches a pattern with `*` (any characters) and `?` (one character). */
export function matchesWildcard(pattern: string, text: string): boolean {
  const expression = expressions.get(pattern) ?? compileWildcard(pattern);
  expressions.set(pattern, expression);
  return expression.test(text);
}

function compileWildcard(pattern: string): RegExp {
  const expression = pattern
    .split(/([*?])/)
    .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : escapeRegExp(part)))
    .join('');
  return new RegExp(`^${expression}$`, 's');
}

export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
