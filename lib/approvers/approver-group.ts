import * as v from 'valibot';
import { ManagedBy } from '../runtime/managed-by.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, type ReadDeps, readPartition } from '../storage/entity.ts';
import { conflict, OptimisticLockError, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Key, Table } from '../storage/table.ts';
import { Email } from '../values/email-address.ts';
import { shellWord } from '../values/shell-word.ts';
import { WholeNumber } from '../values/whole-number.ts';

/** The default approver group of services. */
export const defaultGroup = 'default';

export const GroupName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a group has letters, digits, `.`, `_` and `-`'),
);
export const SlackChannel = v.pipe(
  v.string(),
  v.regex(/^[CG][A-Z0-9]+$/, 'the id of a Slack channel looks like C0123456789'),
);
/** A Slack user. A user id is unique only within a workspace. */
export const SlackUser = v.object({
  team: v.pipe(v.string(), v.regex(/^[TE][A-Z0-9]+$/, 'the id of a Slack workspace looks like T0123456789')),
  user: v.pipe(v.string(), v.regex(/^[UW][A-Z0-9]+$/, 'the id of a Slack user looks like U0123456789')),
});
export type SlackUser = v.InferOutput<typeof SlackUser>;
export const defaultQuorum = 1;
/** The number of approvals that a request needs. One denial rejects it. */
export const Quorum = WholeNumber(1, 200, {
  few: 'a quorum is at least 1',
  many: 'a quorum is at most 200: a group names no more people',
});

export const DecisionChannels = v.picklist(['anywhere', 'api']);

/** The people who decide in Slack and by email. IAM authorizes decisions through the API. */
export const ApproverGroup = v.object({
  name: v.string(),
  quorum: Quorum,
  slackChannel: v.exactOptional(SlackChannel),
  slackUsers: v.optional(v.array(SlackUser), []),
  emails: v.optional(v.array(Email), []),
  /** `api`: messages in Slack and emails have commands instead of actions. */
  decisionChannels: v.exactOptional(DecisionChannels),
  /** The group that linkgate also notifies after three quarters of the time to the deadline. */
  escalateTo: v.exactOptional(GroupName),
  managedBy: v.exactOptional(ManagedBy),
  /** ISO 8601 */
  changedAt: v.exactOptional(v.string()),
  changedBy: v.exactOptional(v.string()),
  version: v.number(),
});
export type ApproverGroup = v.InferOutput<typeof ApproverGroup>;

export const approverGroupEntity = entity(ApproverGroup.entries, ({ name }) => groupKey(name));
export const { read: readGroup, item: groupItem } = approverGroupEntity;

export const approverGroupPartition = 'APPROVERS';
export const groupKey = (name: string): Key => ({ pk: approverGroupPartition, sk: name });

/** @returns whether linkgate created the group; false if it existed. */
export async function createDefaultGroup(table: Table): Promise<boolean> {
  const group = { name: defaultGroup, quorum: defaultQuorum, slackUsers: [], emails: [], version: 1 };
  return table.write([approverGroupEntity.put(group)]);
}

export async function isKnownGroup(name: string, table: Table): Promise<boolean> {
  return (await findGroup(name, table)) !== undefined;
}

export function findGroup(name: string, table: Table): Promise<ApproverGroup | undefined> {
  return approverGroupEntity.find(groupKey(name), table);
}

/** Creates the placeholder for a missing group. */
export function emptyGroup(name: string): ApproverGroup {
  return { name, quorum: defaultQuorum, slackUsers: [], emails: [], version: 0 };
}

export function listApproverGroups(deps: ReadDeps): Promise<ApproverGroup[]> {
  return readPartition(approverGroupPartition, readGroup, deps);
}

/** @returns the number of members. */
export function memberCount({ slackUsers, emails }: Pick<ApproverGroup, 'slackUsers' | 'emails'>): number {
  return slackUsers.length + emails.length;
}

/** The settings of a group that a person or a policy file sets. */
export type GroupSettings = Omit<ApproverGroup, 'name' | 'changedAt' | 'changedBy' | 'version'>;

/** The approver group does not exist, so its quorum is unknown. */
export class UnknownGroupError extends Error {
  override readonly name = 'UnknownGroupError';

  constructor(name: string) {
    const remedy = name === defaultGroup ? 'linkgate setup' : createGroupCommand(name);
    super(`the approver group ${name} does not exist, so nobody can approve: ${remedy} creates it`);
  }
}

/** Builds the command that creates a group, or adds members to an empty one. */
export function createGroupCommand(name: string): string {
  return `linkgate approvers set ${shellWord(name)} --email you@example.com`;
}

/** The group has fewer members than its quorum. */
export class QuorumOutOfReachError extends Error {
  override readonly name = 'QuorumOutOfReachError';

  constructor(name: string, quorum: number, people: number) {
    super(
      people === 0
        ? `the group ${name} has no members: add a Slack user or an email address`
        : `the group ${name} could never approve: its quorum is ${quorum}, and it has ${people}`,
    );
  }
}

/**
 * Creates a group, or replaces its whole item.
 * @throws QuorumOutOfReachError, OptimisticLockError
 */
export async function setGroup(
  name: string,
  settings: GroupSettings,
  by: string,
  { table, now }: { readonly table: Table } & Runtime,
): Promise<ApproverGroup> {
  const slackUsers = uniqueBy(settings.slackUsers, ({ team, user }) => `${team}:${user}`);
  const emails = uniqueBy(settings.emails, (email) => email.toLowerCase());
  const people = memberCount({ slackUsers, emails });
  if (settings.quorum > people) throw new QuorumOutOfReachError(name, settings.quorum, people);
  return retryOnConflict(name, async () => {
    const before = await findGroup(name, table);
    const version = (before?.version ?? 0) + 1;
    const changed = { changedAt: now().toISOString(), changedBy: by };
    const group: ApproverGroup = { ...settings, slackUsers, emails, name, ...changed, version };
    return (await table.write([approverGroupEntity.put(group, before)])) ? group : conflict;
  });
}

/**
 * Removes a group at the version that the caller read.
 * @throws OptimisticLockError if it has changed since
 */
export async function removeGroup({ name, version }: ApproverGroup, table: Table): Promise<void> {
  const isRemoved = await table.write([{ remove: groupKey(name), expected: version }]);
  if (!isRemoved) throw new OptimisticLockError(name);
}

function uniqueBy<T>(values: readonly T[], selectKey: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [selectKey(value), value])).values()];
}
