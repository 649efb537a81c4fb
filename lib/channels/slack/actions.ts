import { actionLabels, describeAction } from '../../approvals/action-text.ts';
import { allowDurationDays, computeAllowExpiry } from '../../approvals/allow-duration.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import { replacedEntryText } from '../../approvals/entry-text.ts';
import { type ApprovalAction, selectApprovalActions } from '../../approvals/status.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { writePlain } from '../../values/styled-text.ts';
import { actions, type Block, button, type SelectOption, select } from './blocks.ts';
import { joinMarkup, markup } from './mrkdwn.ts';

/** The `action_id` of each button and select. */
export const actionIds = {
  approve: 'approve',
  approveAndAllow: 'approve-and-allow',
  /** The select next to `approveAndAllow`: Slack sends its value with the click. */
  expiry: 'allow-expiry',
  deny: 'deny',
  keep: 'keep-connected',
  extend: 'extend-14-days',
  disconnect: 'disconnect-now',
  /** The prefix of the `action_id` of a digest's buttons. The answer follows it. */
  digestPrefix: 'all:',
} as const;

const requestBlockId = 'request';

/** The durations of an allowlist entry, as values of the select. */
const permanentAllow = 'permanent';
export const expiryChoices = [permanentAllow, ...allowDurationDays.map(String)] as const;
const expiryOptions: readonly SelectOption[] = [
  { text: 'Allow permanently', value: permanentAllow },
  ...allowDurationDays.map((days) => ({ text: `Allow for ${days} days`, value: String(days) })),
];

/**
 * Builds the value of the buttons: endpoint id, version of the approval request, and scheduled disconnect time. A button with
 * another value is outdated.
 */
export function buttonValue({
  endpointId,
  approvalRequest,
  revocation,
}: ConnectionRecord): string | undefined {
  const disconnectAt = revocation ? `.${new Date(revocation.disconnectAt).getTime()}` : '';
  return approvalRequest && `${endpointId}.${approvalRequest.version}${disconnectAt}`;
}

export function parseButtonEndpointId(value: string): string {
  return value.split('.', 1)[0] ?? '';
}

/** Whether the message has buttons that decide the request. */
export function hasButtons(record: ConnectionRecord, { decisionChannels }: ApproverGroup): boolean {
  return record.approvalRequest !== undefined && isAwaitingApproval(record) && decisionChannels !== 'api';
}

type ButtonStyle = 'primary' | 'danger';
const buttonStyles: Readonly<Partial<Record<ApprovalAction, ButtonStyle>>> = {
  approve: 'primary',
  deny: 'danger',
  keep: 'primary',
  disconnect: 'danger',
};

/**
 * Builds the buttons. A modal asks for the reason of a denial or a disconnect, and names its effect; Slack's dialog confirms the
 * actions on a connected endpoint.
 */
export function requestButtons(view: ApprovalView, now: Date): Block {
  const { record } = view;
  const value = buttonValue(record) ?? '';
  const buttons = selectApprovalActions(record).flatMap((action) => {
    const text = actionLabels[action];
    const style = buttonStyles[action];
    // A confirmation dialog shows no dates of mrkdwn.
    const confirmText = markup`${writePlain(describeAction(action, record, now))}`;
    const isConfirmed = action === 'keep' || action === 'extend';
    const own = button({
      text,
      actionId: actionIds[action],
      value,
      ...(style && { style }),
      ...(isConfirmed && { confirm: { title: `${text}?`, text: confirmText, confirm: text } }),
    });
    return action === 'approve' ? [own, ...allowElements(view, value)] : [own];
  });
  return actions(requestBlockId, buttons);
}

/** Builds the button that also allows the account, and the select of the duration. */
function allowElements({ record, service, entries }: ApprovalView, value: string): Block[] {
  const confirmText = markup`linkgate then accepts the requests of the account to ${service.name} without approval for the selected duration, those that wait now too.`;
  return [
    button({
      text: 'Approve and allow account',
      actionId: actionIds.approveAndAllow,
      value,
      confirm: {
        title: `Allow account ${record.ownerAccountId}?`,
        text: joinMarkup([confirmText, ...replacedEntryText(entries)], ' '),
        confirm: 'Approve and allow',
      },
    }),
    select(actionIds.expiry, expiryOptions),
  ];
}

/** @param choice one of `expiryChoices` */
export function parseAllowDuration(choice: string, now: Date): { expiresAt?: string } {
  return computeAllowExpiry(choice === permanentAllow ? undefined : Number(choice), now);
}
