import { describe, expect, test } from '@jest/globals';
import { actorChannel, emailActor, slackActor } from '../../lib/approvers/actor.ts';
import { alice } from '../builders.ts';

describe('an actor', () => {
  test('in Slack is a user of a workspace, because a channel may have users of other workspaces', () => {
    expect(slackActor({ team: 'T01LOCAL', user: 'U01ALICE' })).toBe('slack:T01LOCAL:U01ALICE');
  });

  test('by email is the address in lower case', () => {
    expect(emailActor('Alice@Example.com')).toBe('mailto:alice@example.com');
  });

  test.each([
    ['slack:T01LOCAL:U01ALICE', 'slack'],
    ['mailto:alice@example.com', 'mail'],
    [alice, 'api'],
    ['arn:aws:sts::111111111111:assumed-role/slack:ops/mailto:me', 'api'],
  ])('contains its channel: %s decides by %s', (actor, channel) => {
    expect(actorChannel(actor)).toBe(channel);
  });
});
