import {
  type ExpiryWarning,
  expiryWarningText,
  expiryWarningTitle,
  renewalText,
} from '../../approvals/expiry-warning-text.ts';
import { context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, markup, slackLimits, truncate } from './mrkdwn.ts';

/** Warns the approvers in their channel that an allowlist entry with connections expires soon. */
export function warningMessage(warning: ExpiryWarning): SlackMessage {
  const title = expiryWarningTitle(warning);
  const body = joinMarkup(expiryWarningText(warning));
  const { how, command } = renewalText(warning);
  const remedy = command === undefined ? markup`${how}` : markup`${how} \`${command}\``;
  return {
    blocks: [header(title), section(body), context(remedy)],
    text: truncate(slackLimits.text, joinMarkup([title, body, remedy])),
  };
}
