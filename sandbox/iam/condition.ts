import { matchesWildcard } from './wildcard.ts';

/** `{StringEquals: {'aws:SourceAccount': '111111111111'}}` */
export type Conditions = Readonly<Record<string, Readonly<Record<string, ConditionValue>>>>;
type ConditionValue = Scalar | readonly Scalar[];
type Scalar = string | number | boolean;
type Comparison = (expected: string, actual: string) => boolean;

/** A negated operator has to hold for all values, and holds if the key is absent. */
interface Operator {
  readonly compare: Comparison;
  readonly negated?: true;
}

const equal: Comparison = (expected, actual) => expected === actual;
const equalIgnoringCase: Comparison = (expected, actual) => expected.toLowerCase() === actual.toLowerCase();

const operators: Readonly<Record<string, Operator>> = {
  StringEquals: { compare: equal },
  StringNotEquals: { compare: equal, negated: true },
  StringEqualsIgnoreCase: { compare: equalIgnoringCase },
  StringNotEqualsIgnoreCase: { compare: equalIgnoringCase, negated: true },
  StringLike: { compare: matchesWildcard },
  StringNotLike: { compare: matchesWildcard, negated: true },
  ArnEquals: { compare: matchesArn },
  ArnNotEquals: { compare: matchesArn, negated: true },
  ArnLike: { compare: matchesArn },
  ArnNotLike: { compare: matchesArn, negated: true },
  Bool: { compare: equalIgnoringCase },
  NumericEquals: { compare: (expected, actual) => Number(actual) === Number(expected) },
  NumericNotEquals: { compare: (expected, actual) => Number(actual) === Number(expected), negated: true },
  NumericLessThan: { compare: (expected, actual) => Number(actual) < Number(expected) },
  NumericLessThanEquals: { compare: (expected, actual) => Number(actual) <= Number(expected) },
  NumericGreaterThan: { compare: (expected, actual) => Number(actual) > Number(expected) },
  NumericGreaterThanEquals: { compare: (expected, actual) => Number(actual) >= Number(expected) },
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
  if (name === 'Null') return expected.includes(String(actual === undefined));
  const [, quantifier, base = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const operator = operators[base];
  if (!operator) throw new Error(`unknown condition operator \`${name}\``);
  if (expected.some((value) => value.includes('${')))
    throw new Error(`policy variables are not modelled: \`${expected.join(', ')}\``);

  const satisfies = (value: string) =>
    expected.some((one) => operator.compare(one, value)) !== (operator.negated ?? false);
  if (actual === undefined)
    return (
      ifExists !== undefined || quantifier === 'ForAllValues' || (operator.negated && !quantifier) || false
    );
  if (quantifier === 'ForAllValues') return actual.every(satisfies);
  if (quantifier === 'ForAnyValue') return actual.some(satisfies);
  return operator.negated ? actual.every(satisfies) : actual.some(satisfies);
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
