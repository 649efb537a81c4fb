import { type SlackMessage, section } from './blocks.ts';
import { type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';

/**
 * Renders the replacement of a message whose requests moved to another group or channel.
 * @param title the title of the replaced message
 * @param channel the new channel, if there is exactly one
 */
export function movedToOtherChannelMessage(title: string, channel?: string): SlackMessage {
  const newPlace: Markup =
    channel === undefined ? markup`other approvers decide it` : { markup: `see <#${channel}>` };
  const text = markup`${title}: ${newPlace} now. This message is out of date.`;
  return { blocks: [section(text)], text: truncate(slackLimits.text, text) };
}
