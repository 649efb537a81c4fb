import {
  type ExpiryWarning,
  expiryWarningText,
  expiryWarningTitle,
  renewalText,
} from '../../approvals/expiry-warning.ts';
import { context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, markup, slackLimits, truncate } from './mrkdwn.ts';

/** Tells approvers in their channel that an entry by which connections live expires soon. */
export function warningMessage(warning: ExpiryWarning): SlackMessage {
  const title = expiryWarningTitle(warning);
  const story = joinMarkup(expiryWarningText(warning));
  const { how, command } = renewalText(warning);
  const remedy = command === undefined ? markup`${how}` : markup`${how} \`${command}\``;
  return {
    blocks: [header(title), section(story), context(remedy)],
    text: truncate(slackLimits.text, joinMarkup([title, story, remedy])),
  };
}
