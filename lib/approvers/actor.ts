import * as v from 'valibot';
import { Email } from '../values/email-address.ts';
import type { SlackUser } from './approver-group.ts';

const actorPattern =
  /^(slack:[TE][A-Z0-9]+:[UW][A-Z0-9]+|mailto:[^\sA-Z@]+@[^\sA-Z@]+|arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+)$/;

/** As the actor of each of their decisions is written down. */
export const Actor = v.pipe(
  v.string(),
  v.check(
    (text) =>
      actorPattern.test(text) && (actorChannel(text) !== 'mail' || v.is(Email, text.replace('mailto:', ''))),
    'an actor looks like slack:T0123456789:U0123456789, mailto:alice@example.com (in small letters) or arn:aws:iam::111122223333:user/alice',
  ),
  v.metadata({ pattern: actorPattern.source }),
);

/** Who an actor is: `arn:…` an IAM identity, `slack:T…:U…` a Slack user, `mailto:…` whoever reads that address. */
export type ActorChannel = 'api' | 'slack' | 'mail';

export function slackActor({ team, user }: SlackUser): string {
  return `slack:${team}:${user}`;
}

export function emailActor(address: string): string {
  return `mailto:${address.toLowerCase()}`;
}

/** By which channel an actor speaks. */
export function actorChannel(actor: string): ActorChannel {
  if (actor.startsWith('slack:')) return 'slack';
  return actor.startsWith('mailto:') ? 'mail' : 'api';
}
