import {
  type ExpiryWarningsView,
  expiryConsequences,
  expiryWarningsTitle,
  writeListedWarnings,
} from '../../approvals/expiry-warning-text.ts';
import { context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, type Markup, slackLimits, truncate } from './mrkdwn.ts';
import { writeMrkdwn, writeMrkdwnLines } from './status-mrkdwn.ts';

/** The size of the entries in the JSON of a message. The rest is for the other blocks. */
const maxListedLength = slackLimits.blocks - 3_000;

/** Warns the approvers in their channel of allowlist entries with connections that expire soon. */
export function warningMessage(view: ExpiryWarningsView): SlackMessage {
  const title = expiryWarningsTitle(view);
  const listed = writeListedWarnings(
    view.warnings,
    maxListedLength,
    (lines) => writeMrkdwnLines(lines),
    ({ markup }) => JSON.stringify(markup).length,
  );
  const entries = packEntries(listed.entries);
  const omitted = listed.omitted.map((line) => writeMrkdwn(line));
  const consequences = expiryConsequences(view).map((line) => writeMrkdwn(line));
  return {
    blocks: [
      header(title),
      ...[...entries, ...omitted].map((part) => section(part)),
      ...(consequences.length > 0 ? [context(joinMarkup(consequences))] : []),
    ],
    text: truncate(slackLimits.text, joinMarkup([title, ...entries, ...omitted, ...consequences])),
  };
}

/** Packs entries into as few sections as possible. */
function packEntries(entries: readonly Markup[]): Markup[] {
  const sections: Markup[] = [];
  for (const entry of entries) {
    const last = sections.pop();
    const joined = last ? joinMarkup([last, entry], '\n\n') : entry;
    if (last && joined.markup.length > slackLimits.section) sections.push(last, entry);
    else sections.push(joined);
  }
  return sections;
}
