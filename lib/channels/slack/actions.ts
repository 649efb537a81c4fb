import { allowDurationDays, computeAllowExpiry } from '../../approvals/allow-duration.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import {
  type ConnectedAction,
  connectedLabels,
  describeConnectedAction,
  selectConnectedActions,
} from '../../approvals/connected-commands.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { replacedEntryText } from '../../approvals/status-text.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { actions, type Block, button, type SelectOption, select } from './blocks.ts';
import { joinMarkup, markup } from './mrkdwn.ts';

/** The `action_id` of each thing to click. */
export const actionIds = {
  approve: 'approve',
  approveAndAllow: 'approve-and-allow',
  /** Chosen beforehand; it comes along with the click on `approveAndAllow`. */
  expiry: 'allow-expiry',
  deny: 'deny',
  keep: 'keep-connected',
  extend: 'extend-14-days',
  disconnect: 'disconnect-now',
  openDigest: 'decide',
  /** Turns to a page of the modal that a digest opens. */
  digestPage: 'digest-page',
} as const;

const requestBlockId = 'request';

/** Until when an account may be allowed, as the select's values. */
const permanentAllow = 'for-good';
export const expiryChoices = [permanentAllow, ...allowDurationDays.map(String)] as const;
const expiryOptions: readonly SelectOption[] = [
  { text: 'Allow for good', value: permanentAllow },
  ...allowDurationDays.map((days) => ({ text: `Allow for ${days} days`, value: String(days) })),
];

/**
 * What linkgate puts on the buttons now: it names the request or connection, the asking that it is an answer to, and when the
 * connection is to be cut as people see it.
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

/** Whether people may decide it here. */
export function hasButtons(record: ConnectionRecord, { decisionChannels }: ApproverGroup): boolean {
  return record.approvalRequest !== undefined && isAwaitingApproval(record) && decisionChannels !== 'api';
}

/** Each button about a connection is confirmed: Slack asks, or the form does that wants a reason. */
function connectedButtons(record: ConnectionRecord, now: Date): Block {
  const value = buttonValue(record) ?? '';
  const renderButton = (answer: ConnectedAction) => {
    const text = connectedLabels[answer];
    const confirmText = markup`${describeConnectedAction(answer, record, now)}`;
    return button({
      text,
      actionId: actionIds[answer],
      value,
      ...(answer !== 'extend' && { style: answer === 'keep' ? 'primary' : 'danger' }),
      ...(answer !== 'disconnect' && { confirm: { title: `${text}?`, text: confirmText, confirm: text } }),
    });
  };
  return actions(requestBlockId, selectConnectedActions(record).map(renderButton));
}

export function requestButtons({ record, service, entries }: ApprovalView, now: Date): Block {
  if (computeApprovalKind(record) !== 'new-connection') return connectedButtons(record, now);
  const value = buttonValue(record) ?? '';
  const account = record.ownerAccountId;
  const confirmText = markup`What it asks of ${service.name} is then accepted without asking, what waits now too, for as long as you chose.`;
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
