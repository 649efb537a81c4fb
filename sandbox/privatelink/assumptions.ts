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
    meaning: 'what the body of a notification looks like; all four are invented',
  },
  notifications: {
    default: true,
    section: '1.1 SNS connection notifications',
    meaning: 'whether notifications arrive at all',
  },
  endpointIdFilter: {
    default: 'accepted',
    section: '1.1 SNS connection notifications',
    meaning: 'whether DescribeVpcEndpointConnections takes its documented filter `vpc-endpoint-id`',
  },
  repeatedAccept: {
    default: 'unsuccessful',
    section: '2.3 AcceptVpcEndpointConnections / RejectVpcEndpointConnections',
    meaning: 'what accepting what is accepted, or rejecting what is rejected, comes to',
  },
  maxIdsPerCall: {
    default: 100,
    section: '5.1 EC2 API buckets',
    meaning: 'how many endpoints one Accept or Reject may name',
  },
  maxPrincipalsPerCall: {
    default: 1_000,
    section: '2.4 Service configuration, permissions, notifications, payer',
    meaning: 'how many principals one ModifyVpcEndpointServicePermissions may name',
  },
  organizationPrincipals: {
    default: 'refused',
    section: '6.2 Principal forms',
    meaning: 'whether the ARN of an organization or of a unit of it is taken for a principal',
  },
  absentPrincipal: {
    default: 'ok',
    section: '2.4 Service configuration, permissions, notifications, payer',
    meaning: 'what removing a principal that is not there comes to',
  },
  pendingAfterMs: {
    default: 100,
    section: '2.1 States and casing',
    meaning: 'how long after Accept or Reject its effect shows',
  },
  availableAfterMs: {
    default: 100,
    section: '2.1 States and casing',
    meaning: 'how long an endpoint stays `pending`',
  },
  deletedAfterMs: {
    default: 100,
    section: '2.1 States and casing',
    meaning: 'how long an endpoint stays `deleting`',
  },
  deletedListedMs: {
    default: 60_000,
    section: '2.2 DescribeVpcEndpointConnections',
    meaning: 'how long what is deleted stays listed',
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
    throw new AssumptionError('assumptions are an object from name to value');
  const unknown = Object.keys(update).find((name) => !(name in assumptionSchemas));
  if (unknown !== undefined)
    throw new AssumptionError(
      `there is no assumption \`${unknown}\`; there are ${assumptionNames.join(', ')}`,
    );
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
