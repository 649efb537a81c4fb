import type { Access } from '../aws/aws-service.ts';
import { type Conditions, matchesConditions } from './condition.ts';
import { matchesWildcard } from './wildcard.ts';

type OneOrMore = string | readonly string[];

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | Readonly<Record<string, OneOrMore>>;
  readonly Action?: OneOrMore;
  readonly Resource?: OneOrMore;
  readonly Condition?: Conditions;
}

export interface PolicyDocument {
  readonly Version?: string;
  readonly Id?: string;
  readonly Statement: Statement | readonly Statement[];
}

export type Principal =
  | { readonly service: string }
  | { readonly roleArn: string; readonly accountId: string };

/** Whether policies allow an access: one statement allows it and none denies it. */
export function isAllowed(policies: readonly PolicyDocument[], access: Access): boolean {
  return isAllowedBy(policies.flatMap(listStatements), access);
}

/** Whether the resource policy of a topic, queue or bus allows the principal. */
export function isAllowedByResourcePolicy(
  policy: PolicyDocument,
  principal: Principal,
  access: Access,
): boolean {
  return isAllowedBy(
    listStatements(policy).filter((statement) => matchesPrincipal(statement.Principal, principal)),
    access,
  );
}

function listStatements(policy: PolicyDocument): readonly Statement[] {
  return [policy.Statement].flat() as readonly Statement[];
}

function isAllowedBy(statements: readonly Statement[], access: Access): boolean {
  const applicable = statements.filter((statement) => statementApplies(statement, access));
  return (
    applicable.some(({ Effect }) => Effect === 'Allow') && !applicable.some(({ Effect }) => Effect === 'Deny')
  );
}

function statementApplies(statement: Statement, { action, resource, conditions = {} }: Access): boolean {
  const { Action, Resource, Condition = {} } = statement;
  return (
    (Action === undefined ||
      [Action].flat().some((pattern) => matchesWildcard(pattern.toLowerCase(), action.toLowerCase()))) &&
    (Resource === undefined || [Resource].flat().some((pattern) => matchesWildcard(pattern, resource))) &&
    matchesConditions(Condition, conditions)
  );
}

function matchesPrincipal(stated: Statement['Principal'], principal: Principal): boolean {
  if (stated === undefined) return false;
  if (stated === '*') return true;
  const of = (type: string) => [stated[type] ?? []].flat();
  if ('service' in principal) return of('Service').includes(principal.service);
  const { roleArn, accountId } = principal;
  return of('AWS').some((name) => ['*', roleArn, accountId, `arn:aws:iam::${accountId}:root`].includes(name));
}
