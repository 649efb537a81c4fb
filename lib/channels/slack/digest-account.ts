import * as v from 'valibot';
import { hashContent } from '../../approvals/content-hash.ts';
import type { ConnectionRecord } from '../../connections/connection-record.ts';
import { buttonValue } from './actions.ts';
import { type ApprovalAnswer, isConnectedAnswer } from './request-modal.ts';

/** The value of a digest's button: the requests of one account that the message shows. */
export const DigestAccount = v.object({
  digest: v.string(),
  account: v.string(),
  /** The newest member of the digest when linkgate rendered the message. The message does not show later members. */
  lastEndpointId: v.string(),
  /** The hash of the account's requests that the message shows. */
  requestsHash: v.string(),
  /** The number of open requests that the button names. */
  count: v.number(),
});
export type DigestAccount = v.InferOutput<typeof DigestAccount>;

/**
 * Hashes the approval requests of an account, open and closed ones. A decision on a request for a new connection does not change
 * the hash, so that a second click decides the rest.
 */
export function hashAccountRequests(records: readonly ConnectionRecord[], account: string): string {
  const values = records
    .filter(({ ownerAccountId }) => ownerAccountId === account)
    .flatMap((record) => buttonValue(record) ?? []);
  return hashContent(values);
}

/** The label of an answer for `count` requests of an account. */
export function accountAnswerLabel(answer: ApprovalAnswer, count: number): string {
  const all = count === 1 ? '1' : `all ${count}`;
  const labels: Readonly<Record<ApprovalAnswer, string>> = {
    approve: `Approve ${all}`,
    deny: `Deny ${all}`,
    keep: `Keep ${all} connected`,
    extend: `Extend ${all} by 14 days`,
    disconnect: `Disconnect ${all} now`,
  };
  return labels[answer];
}

/**
 * Describes the effect of an answer for `count` requests of an account.
 * @param account the account id, with the name of its customer if known
 */
export function accountAnswerEffect(answer: ApprovalAnswer, count: number, account: string): string {
  const noun = isConnectedAnswer(answer) ? 'connection' : 'request';
  const all = `${count} ${noun}${count === 1 ? '' : 's'} of account ${account}`;
  const effects: Readonly<Record<ApprovalAnswer, string>> = {
    approve: `You approve ${all}. The allowlist does not change.`,
    deny: `You deny ${all}.`,
    keep: `linkgate keeps ${all} connected permanently and does not change the allowlist.`,
    extend: `linkgate keeps ${all} connected for 14 days after the scheduled time, and disconnects then, unless somebody decides otherwise.`,
    disconnect: `linkgate disconnects ${all} at once.`,
  };
  return effects[answer];
}
