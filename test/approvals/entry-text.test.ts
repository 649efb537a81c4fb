import { describe, expect, test } from '@jest/globals';
import { allowCommand, entryText } from '../../lib/approvals/entry-text.ts';
import { anEntry, consumer, endpointId, noon } from '../builders.ts';

describe('the command that replaces an entry', () => {
  test('repeats all options of the entry except the changed ones', () => {
    const entry = anEntry({
      endpointIds: [endpointId(1), endpointId(2)],
      consumerRegions: ['eu-west-1'],
      maxEndpoints: 2,
      expiresAt: noon.toISOString(),
      roles: [`arn:aws:iam::${consumer}:role/deployer`],
      owners: ['slack:T01LOCAL:U01ALICE', 'mailto:a@example.com'],
      note: "it's Acme",
    });
    expect(allowCommand(entry, 'orders', { expires: ['90d'] })).toBe(
      `linkgate allow ${consumer} --service orders --endpoint ${endpointId(1)} --endpoint ${endpointId(2)} --consumer-region eu-west-1 --max-endpoints 2 --expires 90d --role arn:aws:iam::${consumer}:role/deployer --owner slack:T01LOCAL:U01ALICE --owner mailto:a@example.com --note 'it'\\''s Acme'`,
    );
  });

  test('quotes the wildcard service for a shell', () => {
    expect(allowCommand(anEntry({ serviceId: '*' }), 'orders', {})).toContain(` --service '*'`);
  });
});

test('the text of an entry has its scope, expiry and note', () => {
  expect(entryText(anEntry({ serviceId: '*', effect: 'block', note: 'fraud' }))).toBe(
    'Its allowlist entry at every service: block (“fraud”).',
  );
  expect(entryText(anEntry({ expiresAt: noon.toISOString() }))).toBe(
    'Its allowlist entry at this service: allow, until 21 Nov 2026, 12:00 UTC.',
  );
});
