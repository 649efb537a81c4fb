/** The forms of allowed principals, by what each of them is in words. */
const principalForms = [
  ['everyone', /^\*$/],
  ['account', /^(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?$/],
  ['role', /^arn:aws[a-z-]*:iam::\d{12}:role\//],
  ['user', /^arn:aws[a-z-]*:iam::\d{12}:user\//],
  ['organization', /^arn:aws[a-z-]*:organizations::\d{12}:organization\//],
  ['organizational unit', /^arn:aws[a-z-]*:organizations::\d{12}:ou\//],
  ['service', /^[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?$/],
  // What IAM leaves in the place of an ARN whose role or user was deleted: it admits nobody, a new one of the same name neither.
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
  return `${principal} (${kind === 'unknown' ? 'of a kind that linkgate does not know' : kind})`;
}

/** What is equal where principals are: EC2 shows an account as the ARN of its root or as twelve bare digits. */
export function principalKey(principal: string): string {
  return principalForms[1][1].exec(principal)?.[1] ?? principal;
}
