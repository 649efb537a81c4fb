import { matchesWildcard } from './wildcard.ts';

/** `{StringEquals: {'aws:SourceAccount': '111111111111'}}` */
export type Conditions = Readonly<Record<string, Readonly<Record<string, ConditionValue>>>>;
type ConditionValue = Scalar | readonly Scalar[];
type Scalar = string | number | boolean;
type Comparison = (wanted: string, given: string) => boolean;

/** A negated operator has to hold for all values, and holds if the key is absent. */
interface Operator {
  readonly compare: Comparison;
  readonly negated?: true;
}

const equal: Comparison = (wanted, given) => wanted === given;
const equalIgnoringCase: Comparison = (wanted, given) => wanted.toLowerCase() === given.toLowerCase();

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
  NumericEquals: { compare: (wanted, given) => Number(given) === Number(wanted) },
  NumericNotEquals: { compare: (wanted, given) => Number(given) === Number(wanted), negated: true },
  NumericLessThan: { compare: (wanted, given) => Number(given) < Number(wanted) },
  NumericLessThanEquals: { compare: (wanted, given) => Number(given) <= Number(wanted) },
  NumericGreaterThan: { compare: (wanted, given) => Number(given) > Number(wanted) },
  NumericGreaterThanEquals: { compare: (wanted, given) => Number(given) >= Number(wanted) },
};

/** The values of the request's condition keys. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

export function matchesConditions(conditions: Conditions, context: ConditionContext): boolean {
  const given = new Map(
    Object.entries(context).map(([key, values]) => [key.toLowerCase(), [values].flat() as readonly string[]]),
  );
  return Object.entries(conditions)
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, wanted]) =>
        matchesOperator(operator, [wanted].flat().map(String), given.get(key.toLowerCase())),
      ),
    )
    .every(Boolean);
}

function matchesOperator(
  name: string,
  wanted: readonly string[],
  given: readonly string[] | undefined,
): boolean {
  if (name === 'Null') return wanted.includes(String(given === undefined));
  const [, quantifier, base = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const operator = operators[base];
  if (!operator) throw new Error(`unknown condition operator \`${name}\``);
  if (wanted.some((value) => value.includes('${')))
    throw new Error(`policy variables are not modelled: \`${wanted.join(', ')}\``);

  const satisfies = (value: string) =>
    wanted.some((one) => operator.compare(one, value)) !== (operator.negated ?? false);
  if (given === undefined)
    return (
      ifExists !== undefined || quantifier === 'ForAllValues' || (operator.negated && !quantifier) || false
    );
  if (quantifier === 'ForAllValues') return given.every(satisfies);
  if (quantifier === 'ForAnyValue') return given.some(satisfies);
  return operator.negated ? given.every(satisfies) : given.some(satisfies);
}

/** IAM compares the six parts of an ARN one by one: a `*` does not cross a colon. */
function matchesArn(wanted: string, given: string): boolean {
  const wantedParts = splitArn(wanted);
  const givenParts = splitArn(given);
  return (
    wantedParts.length === givenParts.length &&
    wantedParts.every((part, index) => matchesWildcard(part, givenParts[index] ?? ''))
  );
}

function splitArn(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}
