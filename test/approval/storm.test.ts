import { describe, expect, test } from '@jest/globals';
import { decideAsRecorded } from '../../lib/approval/decide-by-person.ts';
import { findDigest } from '../../lib/approval/digest.ts';
import type { Subject } from '../../lib/approval/notice.ts';
import { chunks } from '../../lib/chunks.ts';
import { recordItem } from '../../lib/connection/connection-record.ts';
import { SlackError } from '../../lib/slack/web-api.ts';
import { alice, endpointId } from '../builders.ts';
import { aGroup, anAskedRecord, aWorldThatTells } from './telling.ts';

const approves = { decision: 'approve', by: alice } as const;

function many(count: number, from = 1) {
  return Array.from({ length: count }, (_, index) => anAskedRecord(from + index));
}

/** A storm that two runs at once told of in batches of ten; then what it rang for was told of. */
async function afterStorm(count: number, group = aGroup()) {
  const told = aWorldThatTells({ records: many(count), groups: [group] });
  const { world, tell, subjects } = told;
  for (const [one = [], other = []] of chunks(chunks(subjects, 10), 2))
    await Promise.all([tell(one), tell(other)]);
  world.wait(5);
  const rung = [...new Set(world.notices.flatMap((each) => ('digest' in each ? each.digest : [])))];
  for (const digest of rung) await tell([{ digest }]);
  return { ...told, digests: rung as readonly string[], all: rung.map((digest): Subject => ({ digest })) };
}

describe('a storm of 200 requests', () => {
  test('becomes ten messages and one digest, in which each of the others has its place', async () => {
    const { world, slack, digests } = await afterStorm(200);
    expect(slack.messages).toHaveLength(11);
    expect(slack.messages.at(-1)?.text).toContain('190 of 190 requests wait');
    expect(digests).toHaveLength(1);
    const digest = await findDigest(digests[0] ?? '', world.table);
    expect(digest?.endpointIds.length).toBe(190);
    expect(new Set(digest?.endpointIds).size).toBe(190);
    expect(world.errors).toEqual([]);
  });

  test('is mailed in ten mails and one of the others, the first twenty with their links', async () => {
    const { post } = await afterStorm(200);
    expect(post.sent).toHaveLength(11);
    expect(post.sent.at(-1)?.text.match(/https:/g)).toHaveLength(40);
  });

  test('takes in what comes while it goes on, and mails of it at most once a minute', async () => {
    const { world, slack, post, tell, all } = await afterStorm(20);
    world.put(...many(5, 21).map(recordItem));
    await tell(many(5, 21).map((record) => ({ endpointId: record.endpointId })));
    world.wait(5);
    await tell(all);
    expect(slack.messages).toHaveLength(11);
    expect(slack.messages.at(-1)?.text).toContain('15 of 15 requests wait');
    expect(post.sent).toHaveLength(11);
    world.wait(60);
    await tell(all);
    expect(post.sent).toHaveLength(12);
    expect(post.sent.at(-1)?.subject).toContain('5 requests');
  });
});

describe('a digest', () => {
  test('is drawn anew when its requests are decided, and says so when all are', async () => {
    const { world, slack, tell, all } = await afterStorm(12);
    await decideAsRecorded(endpointId(11), approves, world.deps);
    world.wait(5);
    await tell(all);
    expect(slack.messages.at(-1)?.text).toContain('1 of 2 requests');
    await decideAsRecorded(endpointId(12), approves, world.deps);
    world.wait(5);
    await tell(all);
    expect(slack.messages.at(-1)?.text).toContain('All of 2 requests are decided');
    await tell(all);
    expect(slack.calls.filter((call) => call === 'update')).toHaveLength(2);
  });

  test('that was drawn a moment ago waits before it is drawn anew', async () => {
    const { world, slack, tell, all } = await afterStorm(12);
    await decideAsRecorded(endpointId(11), approves, world.deps);
    world.notices.length = 0;
    await tell(all);
    expect(slack.calls).not.toContain('update');
    expect(world.notices).toEqual([{ ...all[0], afterSeconds: 5 }]);
  });

  test('is reminded of once a stage, whatever the number of its requests', async () => {
    const { world, slack, post, tell, all } = await afterStorm(15);
    for (const hours of [1, 2, 1]) {
      world.wait(hours * 3600);
      await tell(all);
      await tell(all);
    }
    expect(slack.replies).toHaveLength(3);
    expect(post.sent.map(({ subject }) => subject).slice(10)).toEqual(
      Array(3).fill(expect.stringContaining('5 requests')),
    );
    expect(await world.actions(endpointId(15))).toEqual(['reminded', 'reminded', 'expired']);
  });

  test('is told of by one run at a time', async () => {
    const { world, slack, tell, all } = await afterStorm(12);
    await decideAsRecorded(endpointId(11), approves, world.deps);
    world.wait(5);
    await Promise.all([tell(all), tell(all)]);
    expect(slack.calls.filter((call) => call === 'update')).toHaveLength(1);
  });

  test('is posted once where Slack wanted to be left alone', async () => {
    const { world, slack, tell, subjects } = aWorldThatTells({ records: many(12) });
    slack.error = new SlackError('chat.postMessage', 'ratelimited', 3);
    await tell();
    slack.error = undefined;
    world.wait(5);
    await tell(subjects);
    await tell(subjects);
    expect(slack.messages).toHaveLength(11);
  });
});
