import { type ExpiryWarning, remedyText, warningText, warningTitle } from '../../approvals/expiry-warning.ts';
import { context, header, type Message, section } from './blocks.ts';
import { joined, limits, markup, truncate } from './mrkdwn.ts';

/** Tells approvers in their channel that an entry by which connections live expires soon. */
export function warningMessage(warning: ExpiryWarning): Message {
  const title = warningTitle(warning);
  const story = joined(warningText(warning));
  const { how, command } = remedyText(warning);
  const remedy = command === undefined ? markup`${how}` : markup`${how} \`${command}\``;
  return {
    blocks: [header(title), section(story), context(remedy)],
    text: truncate(limits.text, joined([title, story, remedy])),
  };
}
