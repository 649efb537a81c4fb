import { effectiveEntry } from '../allowlist/effective-entry.ts';
import type { ConnectionRecord } from '../connections/connection-record.ts';
import { shellWord } from '../values/shell-word.ts';
import { asCode, asTime, type StyledText, styled } from '../values/styled-text.ts';
import { allowCommand } from './entry-text.ts';
import { type ApprovalAction, type StatusContext, selectApprovalActions } from './status.ts';

/** The labels of the actions in buttons, links and forms. */
export const actionLabels = {
  approve: 'Approve',
  deny: 'Deny',
  keep: 'Keep connected',
  extend: 'Extend 14 days',
  disconnect: 'Disconnect now',
} as const satisfies Record<ApprovalAction, string>;

const extensionMs = 14 * 86_400_000;

/**
 * @returns the disconnect time after `extend`: 14 days after the scheduled time, or 14 days from now if that time has passed. ISO
 * 8601.
 */
export function computeExtendedUntil({ revocation }: ConnectionRecord, now: Date): string {
  const disconnectAt = revocation ? new Date(revocation.disconnectAt).getTime() : 0;
  return new Date(Math.max(disconnectAt, now.getTime()) + extensionMs).toISOString();
}

/** Describes the effect of an action, for messages, pages and the confirmation. */
export function describeAction(action: ApprovalAction, record: ConnectionRecord, now: Date): StyledText {
  const { endpointId, ownerAccountId, revocation } = record;
  const endpoint = `${endpointId} of account ${ownerAccountId}`;
  const isToCome = revocation !== undefined && new Date(revocation.disconnectAt) > now;
  const until = isToCome
    ? styled`until ${asTime(computeExtendedUntil(record, now))}`
    : 'for 14 days from now';
  const effects: Readonly<Record<ApprovalAction, StyledText>> = {
    approve: styled`linkgate accepts ${endpoint} and does not change the allowlist, unless you also allow the account.`,
    deny: styled`linkgate rejects ${endpoint} permanently. ${rejectionText}`,
    keep: styled`linkgate keeps ${endpoint} connected permanently and does not change the allowlist.`,
    extend: styled`linkgate keeps ${endpoint} connected ${until} and disconnects it then, unless somebody decides otherwise.`,
    disconnect: styled`linkgate disconnects ${endpoint} at once. ${rejectionText}`,
  };
  return effects[action];
}

/** The consequences of a rejection for the owner of the endpoint. */
export const rejectionText =
  'The endpoint stays rejected, and its owner pays for it until they delete it and create a new one. AWS gives the owner no reason, so notify them yourself.';

/** Lists the actions of an approver with their labels and effects. The action that needs the quorum names it. */
export function explainActions(
  { record, group }: StatusContext,
  now: Date,
): { readonly action: ApprovalAction; readonly label: string; readonly effect: StyledText }[] {
  const quorum = group?.quorum ?? 1;
  const quorumTexts: Partial<Record<ApprovalAction, string>> = {
    approve: ` ${quorum} people have to approve; one denial is enough to deny.`,
    keep: ` ${quorum} people have to keep it; one person can extend or disconnect it.`,
  };
  return selectApprovalActions(record).map((action) => ({
    action,
    label: actionLabels[action],
    effect: styled`${describeAction(action, record, now)}${quorum > 1 ? (quorumTexts[action] ?? '') : ''}`,
  }));
}

/** Describes the command of an action. `approve` and `deny` apply to requests only. */
export function describeCommand(action: ApprovalAction, context: StatusContext): StyledText {
  const { endpointId } = context.record;
  const ticket = context.service?.requireTicket ? ' --ticket …' : '';
  switch (action) {
    case 'approve':
      return styled`${asCode(`linkgate approve ${endpointId}${ticket}`)} approves it`;
    case 'deny':
      return styled`${asCode(`linkgate deny ${endpointId}${ticket} --reason "…"`)} denies it`;
    case 'keep':
      return describeAllowCommand(context);
    case 'extend':
      return styled`${asCode(`linkgate extend ${endpointId} --until 14d --reason "…"`)} extends it`;
    case 'disconnect':
      return styled`${asCode(`linkgate revoke ${endpointId} --now --reason "…"`)} disconnects it now`;
    default:
      return action satisfies never;
  }
}

function describeAllowCommand({ record, service, entries }: StatusContext): StyledText {
  const { ownerAccountId, revocation, serviceId } = record;
  const serviceName = service?.name ?? serviceId;
  const allow = asCode(`linkgate allow ${ownerAccountId} --service ${shellWord(serviceName)}`);
  // Only a person can cancel a person's revocation.
  if (revocation?.cause === 'person')
    return styled`${allow} allows new connections of its account; only ${actionLabels.keep} in Slack or in an email cancels the revocation`;
  const entry = effectiveEntry({ entries });
  if (entry?.effect !== 'allow') return styled`${allow} keeps it connected`;
  if (entry.managedBy === 'file')
    return styled`widening the entry of its account in the policy file keeps it connected`;
  const findings = record.verdict?.findings ?? [];
  const wider = Object.assign({}, ...findings.map(({ rule }) => entryWideners[rule]?.(entry, record)));
  return styled`${asCode(allowCommand(entry, serviceName, wider))} keeps it connected`;
}

type AllowCommandEntry = Parameters<typeof allowCommand>[0];

/** The options that widen an entry, by the rule that found it too narrow. */
const entryWideners: Readonly<
  Record<string, (entry: AllowCommandEntry, record: ConnectionRecord) => Parameters<typeof allowCommand>[2]>
> = {
  'endpoint-is-not-named': ({ endpointIds = [] }, { endpointId }) => ({
    endpoint: [...endpointIds, endpointId],
  }),
  'consumer-region-is-not-named': ({ consumerRegions = [] }, { endpointRegion = '…' }) => ({
    'consumer-region': [...consumerRegions, endpointRegion],
  }),
  'entry-has-expired': () => ({ expires: ['90d'] }),
  'max-endpoints-reached': () => ({ 'max-endpoints': ['…'] }),
};
