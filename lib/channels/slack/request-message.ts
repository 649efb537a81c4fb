import { explainActions } from '../../approvals/action-text.ts';
import type { ApprovalView } from '../../approvals/approval-view.ts';
import { ownerAccountText } from '../../approvals/owner-account-text.ts';
import {
  allowlistChangeText,
  knownAccountText,
  openReasons,
  reasonHeadings,
  requestFacts,
} from '../../approvals/request-text.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { openCommands, statusLabel, statusText } from '../../approvals/status-text.ts';
import { isAwaitingApproval } from '../../connections/connection-record.ts';
import { asStrong, type StyledText, styled } from '../../values/styled-text.ts';
import { hasButtons, requestButtons } from './actions.ts';
import { type Block, context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';
import { writeMrkdwnLines } from './status-mrkdwn.ts';

/** Shows an approver an open request with its buttons, or the status of a decided one. */
export function requestMessage(view: ApprovalView, now: Date): SlackMessage {
  const { record, service, group } = view;
  const title = `${statusLabel(view)}: ${ownerAccountText(view)} to ${service.name}`;
  const facts = requestFacts(view).map(([label, value]) => styled`${asStrong(`${label}:`)} ${value}`);
  const isWaiting = isAwaitingApproval(record);
  const parts = [
    facts,
    ...(isWaiting ? listReasons(view) : []),
    [...statusText(view), ...allowlistChangeText(record, service.name)],
  ].map((lines) => writeMrkdwnLines(lines, group));
  const answerHelp = isWaiting ? [writeMrkdwnLines(explainButtons(view, now), group)] : [];
  const commands = isWaiting ? [commandHint(view)] : [];
  const withButtons = hasButtons(record, group);
  const blocks: Block[] = [
    header(title),
    ...parts.map((part) => section(part)),
    ...(withButtons ? [requestButtons(view, now)] : []),
    ...(isWaiting ? [context(...answerHelp, ...(withButtons ? [] : commands))] : []),
  ];
  // The fallback text has no buttons, so the commands come before parts that Slack may truncate.
  const [requestFactsText = '', ...otherParts] = parts;
  const text = joinMarkup([title, requestFactsText, ...commands, ...otherParts, ...answerHelp]);
  return { blocks, text: truncate(slackLimits.text, text) };
}

/** The number of earlier connections that a message lists. */
const maxListedConnections = 3;

function listReasons(view: ApprovalView): StyledText[][] {
  const reasons = openReasons(view.record).map((reason) => styled`• ${reason}`);
  const heading = reasonHeadings[computeApprovalKind(view.record)];
  return [
    ...(reasons.length > 0 ? [[[asStrong(heading)], ...reasons]] : []),
    [[asStrong('Earlier connections of this account')], ...knownAccountText(view, maxListedConnections)],
  ];
}

/** Describes the effect of each button. */
function explainButtons(view: ApprovalView, now: Date): StyledText[] {
  const { record, service, group } = view;
  const condition = group.quorum > 1 ? ' if every approver chooses it' : '';
  const allowHelp = styled`${asStrong('Approve and allow account:')} linkgate also accepts other requests of account ${record.ownerAccountId} to ${service.name} without approval, those that wait now too${condition}.`;
  return explainActions(view, now).flatMap(({ action, label, effect }) => [
    styled`${asStrong(`${label}:`)} ${effect}`,
    ...(action === 'approve' ? [allowHelp] : []),
  ]);
}

function commandHint(view: ApprovalView): Markup {
  const { record, service, group } = view;
  if (group.decisionChannels !== 'api' && computeApprovalKind(record) === 'new-connection') {
    const ticket = service.requireTicket ? ' --ticket …' : '';
    return markup`In Slack, type \`/linkgate approve ${record.endpointId}${ticket}\` or \`/linkgate deny ${record.endpointId}${ticket} &lt;reason&gt;\``;
  }
  const intro =
    group.decisionChannels === 'api'
      ? `The approver group ${group.name} decides only on the command line`
      : 'On the command line';
  return joinMarkup([`${intro}:`, commandBullets(view)]);
}

/** Lists the commands of the open actions, one on each line. */
export function commandBullets(view: ApprovalView): Markup {
  return writeMrkdwnLines(
    openCommands(view).map((command) => styled`• ${command}`),
    view.group,
  );
}
