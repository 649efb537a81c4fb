import * as v from 'valibot';
import { entity } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { Email } from '../values/email-address.ts';
import { SlackChannel } from './approver-group.ts';

/** The recipients of operations notices: a Slack channel, and addresses with a subscription to the operations topic. */
const operationsEntity = entity({
  slackChannel: v.exactOptional(SlackChannel),
  emails: v.array(Email),
  /** ISO 8601 */
  changedAt: v.exactOptional(v.string()),
  changedBy: v.exactOptional(v.string()),
  version: v.number(),
});
export type OperationsRecipients = ReturnType<typeof readOperationsRecipients>;

export const operationsKey: Key = { pk: 'OPERATIONS', sk: 'OPERATIONS' };

export function readOperationsRecipients(item: Item) {
  return operationsEntity.read(item);
}

/** @returns no recipient if nobody has set one. */
export async function findOperationsRecipients(table: Table): Promise<OperationsRecipients> {
  const [item] = await table.get([operationsKey]);
  return item ? operationsEntity.read(item) : { emails: [], version: 0 };
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
    const { version } = await findOperationsRecipients(table);
    const after = { ...settings, changedAt: now().toISOString(), changedBy, version: version + 1 };
    const item = operationsEntity.item(operationsKey, after);
    return (await table.write([{ put: item, expected: version }])) ? after : conflict;
  });
}

export const setOperationsCommand =
  'linkgate operations set --slack-channel C0123456789 --email on-call@example.com';
