/** The caller: its account and the ARN of its identity. */
export interface Requester {
  readonly accountId: string;
  readonly arn: string;
}

const forms = [
  { type: 'All', pattern: /^\*$/ },
  { type: 'Account', pattern: /^(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?$/ },
  // A name without a path: "Principal ARNs with path components aren't supported."
  { type: 'Role', pattern: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@-]+$/ },
  { type: 'User', pattern: /^arn:aws[a-z-]*:iam::\d{12}:user\/[\w+=,.@-]+$/ },
  { type: 'Service', pattern: /^[a-z0-9-]+\.amazonaws\.com$/ },
  // The SDK has this type, but AWS documents no way to add one.
  {
    type: 'OrganizationUnit',
    pattern: /^arn:aws[a-z-]*:organizations::\d{12}:(?:organization|ou)\/o-[a-z0-9]+(?:\/ou-[a-z0-9-]+)?$/,
  },
] as const;

/** Returns undefined if PrivateLink does not accept the principal. */
export function principalType(principal: string): (typeof forms)[number]['type'] | undefined {
  return forms.find(({ pattern }) => pattern.test(principal))?.type;
}

/** An account id and the ARN of the account's root are the same principal. */
export function isSamePrincipal(one: string, other: string): boolean {
  return (
    one === other ||
    (principalAccount(one) !== undefined && principalAccount(one) === principalAccount(other))
  );
}

export function principalAllows(principal: string, { accountId, arn }: Requester): boolean {
  return (
    principal === '*' || principalAccount(principal) === accountId || principal === assumedRoleIdentity(arn)
  );
}

function principalAccount(principal: string): string | undefined {
  return forms[1].pattern.exec(principal)?.[1];
}

/** Maps the ARN of a session to the ARN of its role. */
function assumedRoleIdentity(arn: string): string {
  return arn.replace(/^(arn:[^:]+):sts::(\d{12}):assumed-role\/([^/]+)\/.*$/, '$1:iam::$2:role/$3');
}
