import * as v from 'valibot';
import { emailActor, slackActor } from '../lib/approvers/actor.ts';
import { SlackUser } from '../lib/approvers/approver-group.ts';
import { Email } from '../lib/values/email-address.ts';

/** `T0123456789:U0123456789`: a Slack user with their workspace. */
export function parseSlackUser(text: string): SlackUser | undefined {
  const [team, user, ...rest] = text.split(':');
  const parsed = v.safeParse(SlackUser, { team, user });
  return parsed.success && rest.length === 0 ? parsed.output : undefined;
}

const arn = /^arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+$/;

/** Parses an actor as people write it: `T…:U…`, an e-mail address or an ARN. The stored form of an actor is valid too. */
export function parseActor(text: string): string | undefined {
  const user = parseSlackUser(text.replace(/^slack:/, ''));
  if (user) return slackActor(user);
  const address = text.replace(/^mailto:/, '');
  if (v.is(Email, address)) return emailActor(address);
  return arn.test(text) ? text : undefined;
}
