/** The formats of allowed principals, by kind. */
const principalForms = [
  ['everyone', /^\*$/],
  ['account', /^(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?$/],
  ['role', /^arn:aws[a-z-]*:iam::\d{12}:role\//],
  ['user', /^arn:aws[a-z-]*:iam::\d{12}:user\//],
  ['organization', /^arn:aws[a-z-]*:organizations::\d{12}:organization\//],
  ['organizational unit', /^arn:aws[a-z-]*:organizations::\d{12}:ou\//],
  ['service', /^[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?$/],
  // IAM replaces the ARN of a deleted role or user with its unique id. It allows no caller, not even a new role of the same name.
  ['deleted role', /^AROA[A-Z0-9]+$/],
  ['deleted user', /^AIDA[A-Z0-9]+$/],
] as const;

export type PrincipalKind = (typeof principalForms)[number][0] | 'unknown';

export function parsePrincipalKind(principal: string): PrincipalKind {
  return principalForms.find(([, form]) => form.test(principal))?.[0] ?? 'unknown';
}

/** `arn:aws:iam::222222222222:root (account)` */
export function describePrincipal(principal: string): string {
  const kind = parsePrincipalKind(principal);
  return `${principal} (${kind === 'unknown' ? 'of an unknown kind' : kind})`;
}

/** Returns equal keys for equal principals: EC2 writes an account as the ARN of its root user or as twelve digits. */
export function principalKey(principal: string): string {
  return principalForms[1][1].exec(principal)?.[1] ?? principal;
}
