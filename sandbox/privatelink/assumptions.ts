import * as v from 'valibot';

const milliseconds = v.pipe(v.number(), v.integer(), v.minValue(0));

const assumptionSchemas = {
  notificationBody: v.picklist(['camel', 'pascal', 'text', 'no-ids']),
  notifications: v.boolean(),
  endpointIdFilter: v.picklist(['accepted', 'refused']),
  repeatedAccept: v.picklist(['ok', 'unsuccessful']),
  maxIdsPerCall: v.pipe(v.number(), v.integer(), v.minValue(1)),
  maxPrincipalsPerCall: v.pipe(v.number(), v.integer(), v.minValue(1)),
  organizationPrincipals: v.picklist(['accepted', 'refused']),
  absentPrincipal: v.picklist(['ok', 'refused']),
  pendingAfterMs: milliseconds,
  availableAfterMs: milliseconds,
  deletedAfterMs: milliseconds,
  deletedListedMs: milliseconds,
};

const Assumptions = v.object(assumptionSchemas);

/** The behaviour of EC2 that AWS does not document. */
export type Assumptions = Readonly<v.InferOutput<typeof Assumptions>>;

interface AssumptionSpec<Value> {
  readonly default: Value;
  /** The section of the domain facts that describes the assumption. */
  readonly section: string;
  readonly meaning: string;
}

const assumptionSpecs: { readonly [Name in keyof Assumptions]: AssumptionSpec<Assumptions[Name]> } = {
  notificationBody: {
    default: 'text',
    section: '1.1 SNS connection notifications',
    meaning: 'the format of the body of a notification; all four are invented',
  },
  notifications: {
    default: true,
    section: '1.1 SNS connection notifications',
    meaning: 'whether AWS sends notifications at all',
  },
  endpointIdFilter: {
    default: 'accepted',
    section: '1.1 SNS connection notifications',
    meaning: 'whether DescribeVpcEndpointConnections accepts its documented filter `vpc-endpoint-id`',
  },
  repeatedAccept: {
    default: 'unsuccessful',
    section: '2.3 AcceptVpcEndpointConnections / RejectVpcEndpointConnections',
    meaning: 'the result of accepting an accepted connection, or of rejecting a rejected one',
  },
  maxIdsPerCall: {
    default: 100,
    section: '5.1 EC2 API buckets',
    meaning: 'the maximum number of endpoints in one Accept or Reject call',
  },
  maxPrincipalsPerCall: {
    default: 1_000,
    section: '2.4 Service configuration, permissions, notifications, payer',
    meaning: 'the maximum number of principals in one ModifyVpcEndpointServicePermissions call',
  },
  organizationPrincipals: {
    default: 'refused',
    section: '6.2 Principal forms',
    meaning: 'whether EC2 accepts the ARN of an organization or of an organizational unit as a principal',
  },
  absentPrincipal: {
    default: 'ok',
    section: '2.4 Service configuration, permissions, notifications, payer',
    meaning: 'the result of removing a principal that is not there',
  },
  pendingAfterMs: {
    default: 100,
    section: '2.1 States and casing',
    meaning: 'the time from an Accept or Reject call until EC2 shows its effect',
  },
  availableAfterMs: {
    default: 100,
    section: '2.1 States and casing',
    meaning: 'the time that an endpoint stays `pending`',
  },
  deletedAfterMs: {
    default: 100,
    section: '2.1 States and casing',
    meaning: 'the time that an endpoint stays `deleting`',
  },
  deletedListedMs: {
    default: 60_000,
    section: '2.2 DescribeVpcEndpointConnections',
    meaning: 'the time that EC2 lists a deleted endpoint',
  },
};

const assumptionNames = Object.keys(assumptionSchemas) as (keyof Assumptions)[];

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
  const unknown = Object.keys(update).find((name) => !(name in assumptionSchemas));
  if (unknown !== undefined)
    throw new AssumptionError(`unknown assumption \`${unknown}\`; there are ${assumptionNames.join(', ')}`);
  const merged = v.safeParse(Assumptions, { ...current, ...update });
  if (merged.success) return merged.output;
  const [issue] = merged.issues;
  throw new AssumptionError(
    `\`${v.getDotPath(issue)}\` cannot be \`${issue.received}\`: expected ${issue.expected ?? 'a whole number'}`,
  );
}

/** Returns each assumption with its value, default, section and meaning. */
export function describeAssumptions(current: Assumptions) {
  return Object.fromEntries(
    assumptionNames.map((name) => [name, { value: current[name], ...assumptionSpecs[name] }]),
  );
}
