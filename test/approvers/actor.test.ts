import { describe, expect, test } from '@jest/globals';
import { actorChannel, emailActor, slackActor } from '../../lib/approvers/actor.ts';
import { alice } from '../builders.ts';

describe('who somebody is', () => {
  test('in Slack is a user of a team, since users of other teams can be in a channel too', () => {
    expect(slackActor({ team: 'T01LOCAL', user: 'U01ALICE' })).toBe('slack:T01LOCAL:U01ALICE');
  });

  test('by mail is the address, however it is written', () => {
    expect(emailActor('Alice@Example.com')).toBe('mailto:alice@example.com');
  });

  test.each([
    ['slack:T01LOCAL:U01ALICE', 'slack'],
    ['mailto:alice@example.com', 'mail'],
    [alice, 'api'],
    ['arn:aws:sts::111111111111:assumed-role/slack:ops/mailto:me', 'api'],
  ])('says by which channel: %s by %s', (actor, channel) => {
    expect(actorChannel(actor)).toBe(channel);
  });
});
