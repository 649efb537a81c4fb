import { type ExpiryWarning, remedyOf, storyOf, titleOf } from '../approval/expiry-warning.ts';
import { context, header, type Message, section } from './blocks.ts';
import { joined, limits, markup, within } from './boundary.ts';

/** Tells approvers in their channel that an entry by which connections live expires soon. */
export function warningMessage(warning: ExpiryWarning): Message {
  const title = titleOf(warning);
  const story = joined(storyOf(warning));
  const { how, command } = remedyOf(warning);
  const remedy = command === undefined ? markup`${how}` : markup`${how} \`${command}\``;
  return {
    blocks: [header(title), section(story), context(remedy)],
    text: within(limits.text, joined([title, story, remedy])),
  };
}
