import * as v from 'valibot';
import { Email } from '../values/email-address.ts';
import type { SlackUser } from './approver-group.ts';

const actorPattern =
  /^(slack:[TE][A-Z0-9]+:[UW][A-Z0-9]+|mailto:[^\sA-Z@]+@[^\sA-Z@]+|arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+)$/;

/** The stored form of an actor. */
export const Actor = v.pipe(
  v.string(),
  v.check(
    (text) =>
      actorPattern.test(text) && (actorChannel(text) !== 'mail' || v.is(Email, text.replace('mailto:', ''))),
    'an actor looks like slack:T0123456789:U0123456789, mailto:alice@example.com (in small letters) or arn:aws:iam::111122223333:user/alice',
  ),
  v.metadata({ pattern: actorPattern.source }),
);

/** The channel of an actor: `arn:…` is an IAM identity, `slack:T…:U…` a Slack user, `mailto:…` the reader of an address. */
export type ActorChannel = 'api' | 'slack' | 'mail';

export function slackActor({ team, user }: SlackUser): string {
  return `slack:${team}:${user}`;
}

export function emailActor(address: string): string {
  return `mailto:${address.toLowerCase()}`;
}

/** @returns the channel in which an actor decides. */
export function actorChannel(actor: string): ActorChannel {
  if (actor.startsWith('slack:')) return 'slack';
  return actor.startsWith('mailto:') ? 'mail' : 'api';
}
