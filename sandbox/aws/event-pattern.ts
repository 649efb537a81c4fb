type Test = (value: unknown) => boolean;
type Leaf = string | number | boolean | null;

/**
 * Whether an event matches an EventBridge pattern. Filter criteria of Lambda use the same language.
 * Throws on an unmodelled operator.
 */
export function matchesPattern(pattern: object, event: unknown): boolean {
  return compilePattern(pattern)(event);
}

/** Compiles the pattern to a predicate. Throws here, and not per event, if the pattern is invalid. */
export function compilePattern(pattern: object): Test {
  const tests = Object.entries(pattern).map(([name, fieldPattern]): Test => {
    if (name === '$or') {
      const alternatives = requireArray('$or', fieldPattern).map((alternative) =>
        compilePattern(alternative as object),
      );
      return (event) => alternatives.some((alternative) => alternative(event));
    }
    const test = Array.isArray(fieldPattern)
      ? arrayTest(fieldPattern.map(compileMatcher))
      : objectTest(name, fieldPattern);
    return (event) => test((event as Record<string, unknown> | undefined)?.[name]);
  });
  return (event) => tests.every((test) => test(event));
}

function objectTest(name: string, pattern: unknown): Test {
  if (typeof pattern !== 'object' || pattern === null)
    throw new Error(`the pattern's \`${name}\` must be an array or an object`);
  const test = compilePattern(pattern);
  // An array of objects matches if one of the objects matches.
  return (value) => (Array.isArray(value) && value.length > 0 ? value.some(test) : test(value));
}

/** A matcher gets the values of its field: none if the field is absent, several if it is an array. */
function compileMatcher(matcher: unknown): (leaves: readonly Leaf[]) => boolean {
  if (typeof matcher !== 'object' || matcher === null) return (leaves) => leaves.includes(matcher as Leaf);
  const [[operator, operand] = ['', undefined], ...otherOperators] = Object.entries(matcher);
  if (otherOperators.length > 0) throw new Error(`more than one operator in \`${JSON.stringify(matcher)}\``);
  if (operator === 'exists') return (leaves) => leaves.length > 0 === operand;
  const test = leafTest(operator, operand);
  return (leaves) => leaves.some(test);
}

function arrayTest(matchers: readonly ((leaves: readonly Leaf[]) => boolean)[]): Test {
  return (value) => {
    const leaves = leafValues(value);
    return matchers.some((matches) => matches(leaves));
  };
}

function leafValues(value: unknown): readonly Leaf[] {
  if (Array.isArray(value)) return value.flatMap(leafValues);
  return value === undefined || (typeof value === 'object' && value !== null) ? [] : [value as Leaf];
}

function leafTest(operator: string, operand: unknown): Test {
  if (operator === 'prefix') return (value) => typeof value === 'string' && value.startsWith(String(operand));
  if (operator === 'anything-but') return anythingBut(operand);
  throw new Error(`unknown operator \`${operator}\` in an event pattern`);
}

function anythingBut(operand: unknown): Test {
  if (typeof operand === 'object' && operand !== null && !Array.isArray(operand)) {
    const [[operator, excluded] = ['', undefined]] = Object.entries(operand);
    const test = leafTest(operator, excluded);
    return (value) => !test(value);
  }
  const excluded = [operand].flat();
  return (value) => !excluded.includes(value);
}

function requireArray(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`\`${name}\` in an event pattern must be an array`);
  return value;
}
