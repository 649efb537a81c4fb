import { allowDurationDays, computeAllowExpiry } from '../../approvals/allow-duration.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import {
  type ConnectedAction,
  connectedLabels,
  describeConnectedAction,
  selectConnectedActions,
} from '../../approvals/connected-actions.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { replacedEntryText } from '../../approvals/status-text.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
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

/** Builds the buttons. Each has a confirmation that describes its effect: Slack's dialog, or the modal that asks for a reason. */
function connectedButtons(record: ConnectionRecord, now: Date): Block {
  const value = buttonValue(record) ?? '';
  const renderButton = (action: ConnectedAction) => {
    const text = connectedLabels[action];
    const confirmText = markup`${describeConnectedAction(action, record, now)}`;
    return button({
      text,
      actionId: actionIds[action],
      value,
      ...(action !== 'extend' && { style: action === 'keep' ? 'primary' : 'danger' }),
      ...(action !== 'disconnect' && { confirm: { title: `${text}?`, text: confirmText, confirm: text } }),
    });
  };
  return actions(requestBlockId, selectConnectedActions(record).map(renderButton));
}

export function requestButtons({ record, service, entries }: ApprovalView, now: Date): Block {
  if (computeApprovalKind(record) !== 'new-connection') return connectedButtons(record, now);
  const value = buttonValue(record) ?? '';
  const account = record.ownerAccountId;
  const confirmText = markup`linkgate then accepts the requests of the account to ${service.name} without approval for the selected duration, those that wait now too.`;
  return actions(requestBlockId, [
    button({ text: 'Approve', actionId: actionIds.approve, value, style: 'primary' }),
    button({
      text: 'Approve and allow account',
      actionId: actionIds.approveAndAllow,
      value,
      confirm: {
        title: `Allow account ${account}?`,
        text: joinMarkup([confirmText, ...replacedEntryText(entries)], ' '),
        confirm: 'Approve and allow',
      },
    }),
    select(actionIds.expiry, expiryOptions),
    button({ text: 'Deny', actionId: actionIds.deny, value, style: 'danger' }),
  ]);
}

/** @param choice one of `expiryChoices` */
export function parseAllowDuration(choice: string, now: Date): { expiresAt?: string } {
  return computeAllowExpiry(choice === permanentAllow ? undefined : Number(choice), now);
}
