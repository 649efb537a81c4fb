import type { SlackUser } from './approver-group.ts';

/** Who an actor is: `arn:…` an IAM identity, `slack:T…:U…` a Slack user, `mailto:…` whoever reads that address. */
export type Channel = 'api' | 'slack' | 'mail';

export function slackActor({ team, user }: SlackUser): string {
  return `slack:${team}:${user}`;
}

export function mailActor(address: string): string {
  return `mailto:${address.toLowerCase()}`;
}

/** By which channel an actor speaks. */
export function channelOf(actor: string): Channel {
  if (actor.startsWith('slack:')) return 'slack';
  return actor.startsWith('mailto:') ? 'mail' : 'api';
}
