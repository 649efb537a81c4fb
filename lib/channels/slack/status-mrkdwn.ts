import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { type StyledText, writeSpans } from '../../values/styled-text.ts';
import { joinMarkup, type Markup, markup } from './mrkdwn.ts';

/**
 * Formats a time that Slack shows in each reader's time zone. `date_short` can follow "on", unlike "yesterday" of
 * `date_short_pretty`.
 */
export function slackDate(iso: string): Markup {
  const seconds = Math.floor(new Date(iso).getTime() / 1000);
  return Number.isFinite(seconds)
    ? { markup: `<!date^${seconds}^{date_short} {time}|${new Date(iso).toISOString()}>` }
    : markup`${iso}`;
}

/** Mentions a user of the approvers' workspaces, and formats any other actor as text. */
function formatSlackActor(actor: string, { slackUsers }: Pick<ApproverGroup, 'slackUsers'>): Markup {
  const [, team, user] = /^slack:([TE][A-Z0-9]+):([UW][A-Z0-9]+)$/.exec(actor) ?? [];
  if (user !== undefined && slackUsers.some((slackUser) => slackUser.team === team)) return mentionUser(user);
  return markup`${actor.replace(/^mailto:/, '')}`;
}

export function mentionUser(user: string): Markup {
  return { markup: `<@${user}>` };
}

/** Mentions the Slack users of a group, and only counts its addresses, because a channel must not see them. */
export function approverMentions({ slackUsers, emails }: ApproverGroup): Markup {
  const people = [
    ...slackUsers.map(({ user }) => mentionUser(user)),
    ...(emails.length > 0 ? [markup`${emails.length} by e-mail`] : []),
  ];
  return people.length > 0 ? joinMarkup(people, ', ') : markup`nobody yet`;
}

/** Writes a text in mrkdwn with escaped values. Without a group it mentions nobody. */
export function writeMrkdwn(
  text: StyledText,
  group: Pick<ApproverGroup, 'slackUsers'> = { slackUsers: [] },
): Markup {
  const spans = writeSpans(text, {
    text: (plain) => markup`${plain}`,
    strong: (plain) => markup`*${plain}*`,
    code: (command) => markup`\`${command}\``,
    time: slackDate,
    actor: (actor) => formatSlackActor(actor, group),
  });
  return joinMarkup(spans, '');
}

/** Writes one line for each text. */
export function writeMrkdwnLines(
  lines: readonly StyledText[],
  group?: Pick<ApproverGroup, 'slackUsers'>,
): Markup {
  return joinMarkup(lines.map((line) => writeMrkdwn(line, group)));
}
