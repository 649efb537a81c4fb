import { matchesWildcard } from './wildcard.ts';

/** `{StringEquals: {'aws:SourceAccount': '111111111111'}}` */
export type Conditions = Readonly<Record<string, Readonly<Record<string, ConditionValue>>>>;
type ConditionValue = Scalar | readonly Scalar[];
type Scalar = string | number | boolean;
type Comparison = (expected: string, actual: string) => boolean;

const equal: Comparison = (expected, actual) => expected === actual;
const equalIgnoringCase: Comparison = (expected, actual) => expected.toLowerCase() === actual.toLowerCase();

const operators: Readonly<Record<string, Comparison>> = {
  StringEquals: equal,
  StringLike: matchesWildcard,
  ArnEquals: matchesArn,
  ArnLike: matchesArn,
  Bool: equalIgnoringCase,
};

/** The values of the request's condition keys. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

export function matchesConditions(conditions: Conditions, context: ConditionContext): boolean {
  const contextValues = new Map(
    Object.entries(context).map(([key, values]) => [key.toLowerCase(), [values].flat() as readonly string[]]),
  );
  return Object.entries(conditions)
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, expected]) =>
        matchesOperator(operator, [expected].flat().map(String), contextValues.get(key.toLowerCase())),
      ),
    )
    .every(Boolean);
}

function matchesOperator(
  name: string,
  expected: readonly string[],
  actual: readonly string[] | undefined,
): boolean {
  const [, quantifier, base = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const compare = operators[base];
  if (!compare) throw new Error(`unknown condition operator \`${name}\``);
  if (expected.some((value) => value.includes('${')))
    throw new Error(`policy variables are not modelled: \`${expected.join(', ')}\``);

  const satisfies = (value: string) => expected.some((one) => compare(one, value));
  if (actual === undefined) return ifExists !== undefined || quantifier === 'ForAllValues';
  return quantifier === 'ForAllValues' ? actual.every(satisfies) : actual.some(satisfies);
}

/** IAM compares the six parts of an ARN one by one: a `*` does not cross a colon. */
function matchesArn(expected: string, actual: string): boolean {
  const expectedParts = splitArn(expected);
  const actualParts = splitArn(actual);
  return (
    expectedParts.length === actualParts.length &&
    expectedParts.every((part, index) => matchesWildcard(part, actualParts[index] ?? ''))
  );
}

function splitArn(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}
