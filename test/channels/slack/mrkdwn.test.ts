import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  escapeMrkdwn,
  joinMarkup,
  markup,
  truncate,
  truncatePlain,
} from '../../../lib/channels/slack/mrkdwn.ts';
import { mentionUser, slackDate } from '../../../lib/channels/slack/status-mrkdwn.ts';

/** Text with many of the sequences that Slack or JavaScript counts as several characters. */
const awkward = fc.array(
  fc.constantFrom('&', '<', '>', '&amp;', '<!channel>', '<@U1>', '😀', '\ud83d', 'a', ' ', '\n', '*', '…'),
  { maxLength: 80 },
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  awkward.map((parts) => parts.join('')),
);
const limit = fc.integer({ min: 1, max: 120 });

/** Removes complete entities, mentions and dates. */
function removeEntities(sent: string): string {
  return sent.replaceAll(/&(amp|lt|gt);|<[!@][^<>&]*>/g, '');
}

const hasHalf = (sent: string) => !sent.isWellFormed();

describe('text from a consumer', () => {
  test('cannot mention a channel or disguise a link', () => {
    expect(markup`${'<!channel> & <https://evil|aws>'}`.markup).toBe(
      '&lt;!channel&gt; &amp; &lt;https://evil|aws&gt;',
    );
  });

  test('cannot begin a line of its own', () => {
    expect(markup`${'x\n*Approved* by somebody\r\nEC2 shows it connected.'}`.markup).toBe(
      'x *Approved* by somebody EC2 shows it connected.',
    );
  });

  test('is escaped in every template', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const sent = joinMarkup([markup`*${one}*: ${markup`<${other}>`}`, other], ', ').markup;
        expect(sent.match(/<[!@#]/)).toBeNull();
        expect(removeEntities(sent.replaceAll(/<|>/g, ''))).not.toMatch(/&/);
      }),
    );
  });
});

describe('truncated text', () => {
  test('is unchanged within the limit', () => {
    fc.assert(
      fc.property(text, (plain) => {
        const whole = markup`${plain}`;
        expect(truncate(Math.max(whole.markup.length, 1), whole)).toBe(whole.markup);
        expect(truncatePlain(Math.max(plain.length, 1), plain)).toBe(plain.toWellFormed());
      }),
    );
  });

  test('is never longer than the limit, and splits no entity, mention, date or surrogate pair', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), limit, (parts, most) => {
        const mixed = joinMarkup(
          parts.flatMap((part) => [part, mentionUser('U01ALICE'), slackDate('2026-11-21T12:00:00.000Z')]),
        );
        const sent = truncate(most, mixed);
        expect(sent.length).toBeLessThanOrEqual(most);
        expect(removeEntities(sent)).not.toMatch(/[&<>]/);
        expect(hasHalf(sent)).toBe(false);
      }),
    );
  });

  test('is escaped before it is truncated', () => {
    expect(escapeMrkdwn('<<<<')).toHaveLength(16);
    expect(truncate(10, markup`${'<<<<'}`)).toBe('&lt;&lt;…');
  });

  test('in plain text splits no surrogate pair', () => {
    fc.assert(
      fc.property(text, limit, (plain, most) => {
        const sent = truncatePlain(most, plain);
        expect(sent.length).toBeLessThanOrEqual(most);
        expect(hasHalf(sent)).toBe(false);
      }),
    );
    expect(truncatePlain(3, 'a😀b')).toBe('a…');
  });
});
