import * as v from 'valibot';

const milliseconds = v.pipe(v.number(), v.integer(), v.minValue(0));

interface AssumptionSpec<Schema extends v.GenericSchema> {
  readonly schema: Schema;
  readonly default: v.InferOutput<Schema>;
  readonly meaning: string;
}

const specifyAssumption = <Schema extends v.GenericSchema>(spec: AssumptionSpec<Schema>) => spec;

const assumptionSpecs = {
  notificationBody: specifyAssumption({
    schema: v.picklist(['camel', 'pascal', 'text', 'no-ids']),
    default: 'text',
    meaning: 'the format of the body of a notification; all four are invented',
  }),
  notifications: specifyAssumption({
    schema: v.boolean(),
    default: true,
    meaning: 'whether AWS sends notifications at all',
  }),
  endpointIdFilter: specifyAssumption({
    schema: v.picklist(['accepted', 'refused']),
    default: 'accepted',
    meaning: 'whether DescribeVpcEndpointConnections accepts its documented filter `vpc-endpoint-id`',
  }),
  repeatedAccept: specifyAssumption({
    schema: v.picklist(['ok', 'unsuccessful']),
    default: 'unsuccessful',
    meaning: 'the result of accepting an accepted connection, or of rejecting a rejected one',
  }),
  maxIdsPerCall: specifyAssumption({
    schema: v.pipe(v.number(), v.integer(), v.minValue(1)),
    default: 100,
    meaning: 'the maximum number of endpoints in one Accept or Reject call',
  }),
  maxPrincipalsPerCall: specifyAssumption({
    schema: v.pipe(v.number(), v.integer(), v.minValue(1)),
    default: 1_000,
    meaning: 'the maximum number of principals in one ModifyVpcEndpointServicePermissions call',
  }),
  organizationPrincipals: specifyAssumption({
    schema: v.picklist(['accepted', 'refused']),
    default: 'refused',
    meaning: 'whether EC2 accepts the ARN of an organization or of an organizational unit as a principal',
  }),
  absentPrincipal: specifyAssumption({
    schema: v.picklist(['ok', 'refused']),
    default: 'ok',
    meaning: 'the result of removing a principal that is not there',
  }),
  pendingAfterMs: specifyAssumption({
    schema: milliseconds,
    default: 100,
    meaning: 'the time from an Accept or Reject call until EC2 shows its effect',
  }),
  availableAfterMs: specifyAssumption({
    schema: milliseconds,
    default: 100,
    meaning: 'the time that an endpoint stays `pending`',
  }),
  deletedAfterMs: specifyAssumption({
    schema: milliseconds,
    default: 100,
    meaning: 'the time that an endpoint stays `deleting`',
  }),
  deletedListedMs: specifyAssumption({
    schema: milliseconds,
    default: 60_000,
    meaning: 'the time that EC2 lists a deleted endpoint',
  }),
};

/** The behaviour of EC2 that AWS does not document. */
export type Assumptions = {
  readonly [Name in keyof typeof assumptionSpecs]: (typeof assumptionSpecs)[Name]['default'];
};

const assumptionNames = Object.keys(assumptionSpecs) as (keyof Assumptions)[];

const Assumptions = v.object(
  Object.fromEntries(assumptionNames.map((name) => [name, assumptionSpecs[name].schema])),
);

export const defaultAssumptions = Object.fromEntries(
  assumptionNames.map((name) => [name, assumptionSpecs[name].default]),
) as Assumptions;

/** The assumption does not exist, or cannot have this value. */
export class AssumptionError extends Error {
  override readonly name = 'AssumptionError';
}

/** Merges changes into the assumptions. Throws `AssumptionError` if one change is invalid. */
export function mergeAssumptions(current: Assumptions, update: unknown): Assumptions {
  if (typeof update !== 'object' || update === null || Array.isArray(update))
    throw new AssumptionError('the assumptions have to be an object of names and values');
  const unknown = Object.keys(update).find((name) => !(name in assumptionSpecs));
  if (unknown !== undefined)
    throw new AssumptionError(`unknown assumption \`${unknown}\`; there are ${assumptionNames.join(', ')}`);
  const merged = v.safeParse(Assumptions, { ...current, ...update });
  if (merged.success) return merged.output as Assumptions;
  const [issue] = merged.issues;
  throw new AssumptionError(
    `\`${v.getDotPath(issue)}\` cannot be \`${issue.received}\`: expected ${issue.expected ?? 'a whole number'}`,
  );
}

/** Returns each assumption with its value, default and meaning. */
export function describeAssumptions(current: Assumptions) {
  return Object.fromEntries(
    assumptionNames.map((name) => {
      const { schema: _, ...spec } = assumptionSpecs[name];
      return [name, { value: current[name], ...spec }];
    }),
  );
}
