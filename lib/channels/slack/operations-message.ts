import { type OperationsNotice, operationsNoticeTitle } from '../../approvers/operations-notice.ts';
import { context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, markup, slackLimits, truncate } from './mrkdwn.ts';

/** Renders an operations notice, open or over. */
export function operationsMessage(notice: OperationsNotice): SlackMessage {
  const title = operationsNoticeTitle(notice);
  const body = joinMarkup(notice.lines);
  const severity = markup`Severity: ${notice.severity}`;
  return {
    blocks: [header(title), section(body), context(severity)],
    text: truncate(slackLimits.text, joinMarkup([title, body, severity])),
  };
}
