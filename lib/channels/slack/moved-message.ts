import { type SlackMessage, section } from './blocks.ts';
import { type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';

/**
 * What becomes of a message whose requests are others' to decide from now on, or are asked about in another channel.
 * @param channel where they are asked about now, if it is one place.
 */
export function movedToOtherChannelMessage(what: string, channel?: string): SlackMessage {
  const there: Markup =
    channel === undefined ? markup`other approvers are asked` : { markup: `asked in <#${channel}>` };
  const told = markup`${what}: ${there} now. Nothing is decided here any more.`;
  return { blocks: [section(told)], text: truncate(slackLimits.text, told) };
}
