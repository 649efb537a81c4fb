import {
  type ExpiryWarningsView,
  expiryConsequences,
  expiryWarningLines,
  expiryWarningsTitle,
  omittedWarningsText,
  selectListedWarnings,
} from '../../approvals/expiry-warning-text.ts';
import type { StyledText } from '../../values/styled-text.ts';
import { context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, type Markup, slackLimits, truncate } from './mrkdwn.ts';
import { writeMrkdwn, writeMrkdwnLines } from './status-mrkdwn.ts';

/** The size of the entries in the JSON of a message. The rest is for the other blocks. */
const maxListedLength = slackLimits.blocks - 3_000;

/** Warns the approvers in their channel of allowlist entries with connections that expire soon. */
export function warningMessage(view: ExpiryWarningsView): SlackMessage {
  const title = expiryWarningsTitle(view);
  const listed = selectListedWarnings(
    view.warnings,
    maxListedLength,
    (lines) => JSON.stringify(writeMrkdwnLines(lines).markup).length,
  );
  const entries = packLines(listed.map(expiryWarningLines));
  const omittedCount = view.warnings.length - listed.length;
  const omitted = omittedCount > 0 ? [writeMrkdwn(omittedWarningsText(omittedCount))] : [];
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

/** Packs the lines of each entry into as few sections as possible. */
function packLines(entries: readonly StyledText[][]): Markup[] {
  const sections: Markup[] = [];
  for (const lines of entries) {
    const entry = writeMrkdwnLines(lines);
    const last = sections.pop();
    const joined = last ? joinMarkup([last, entry], '\n\n') : entry;
    if (last && joined.markup.length > slackLimits.section) sections.push(last, entry);
    else sections.push(joined);
  }
  return sections;
}
