import * as v from 'valibot';
import { entity } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Key, Table } from '../storage/table.ts';
import { Email } from '../values/email-address.ts';
import { SlackChannel } from './approver-group.ts';

/** The recipients of operations notices: a Slack channel, and addresses with a subscription to the operations topic. */
const OperationsRecipients = v.object({
  slackChannel: v.exactOptional(SlackChannel),
  emails: v.array(Email),
  /** ISO 8601 */
  changedAt: v.exactOptional(v.string()),
  changedBy: v.exactOptional(v.string()),
  version: v.number(),
});
export type OperationsRecipients = v.InferOutput<typeof OperationsRecipients>;

export const operationsKey: Key = { pk: 'OPERATIONS', sk: 'OPERATIONS' };

const operationsEntity = entity(OperationsRecipients.entries, () => operationsKey);
export const readOperationsRecipients = operationsEntity.read;

/** @returns no recipient if nobody has set one. */
export async function findOperationsRecipients(table: Table): Promise<OperationsRecipients> {
  return (await operationsEntity.find(operationsKey, table)) ?? { emails: [], version: 0 };
}

export type OperationsSettings = Pick<OperationsRecipients, 'slackChannel' | 'emails'>;

/**
 * Replaces all recipients.
 * @throws OptimisticLockError
 */
export async function setOperationsRecipients(
  settings: OperationsSettings,
  changedBy: string,
  { table, now }: { readonly table: Table; readonly now: () => Date },
): Promise<OperationsRecipients> {
  return retryOnConflict(operationsKey.pk, async () => {
    const before = await findOperationsRecipients(table);
    const after = { ...settings, changedAt: now().toISOString(), changedBy, version: before.version + 1 };
    return (await table.write([operationsEntity.put(after, before)])) ? after : conflict;
  });
}

export const setOperationsCommand =
  'linkgate operations set --slack-channel C0123456789 --email on-call@example.com';
