import { describe, expect, test } from '@jest/globals';
import { decide } from '../../lib/policy/decide.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { anEntry, aPolicy, aRequest, aService, noon, secondsAfterNoon } from '../builders.ts';
import { findSection, parseTable, readPage } from './page.ts';

const page = readPage('docs/deciding.md');
const code = (cell = '') => cell.replaceAll('`', '');

describe('the page on deciding', () => {
  test('lists the rules in their order', () => {
    const documentedRules = parseTable(findSection(page, 'The rules')).map(({ rule }) => code(rule));
    expect(documentedRules).toEqual(connectionRules.map(({ name }) => name));
  });

  test('quotes the text of each rule', () => {
    const { findings } = decide(aRequest({ endpointRegion: 'eu-west-1' }), everyRuleSpeaks, undefined, noon);
    const documentedOutcomes = parseTable(findSection(page, 'The rules')).map(({ rule, says }) => [
      code(rule),
      says,
    ]);
    expect(documentedOutcomes).toEqual(findings.map(({ rule, outcome }) => [rule, outcome]));
  });

  test('describes each default without a matching rule', () => {
    const documentedDefaults = parseTable(findSection(page, 'The verdict')).map((row) => [
      code(row['`--on-unlisted`']),
      row.verdict,
    ]);
    const computedDefaults = (['ask', 'hold', 'reject'] as const).map((onUnlisted) => [
      onUnlisted,
      decide(aRequest(), aPolicy({ service: aService({ onUnlisted }) }), undefined, noon).outcome,
    ]);
    expect(documentedDefaults).toEqual(computedDefaults);
  });
});

/** Policy inputs that give every rule a finding: a paused service in deregistration, an entry with all limits, a block. */
const everyRuleSpeaks = aPolicy({
  service: aService({ pausedAt: noon.toISOString(), deregisteringAt: noon.toISOString() }),
  entries: [
    anEntry({
      endpointIds: [],
      consumerRegions: [],
      expiresAt: secondsAfterNoon(-1).toISOString(),
      maxEndpoints: 0,
    }),
    anEntry({ serviceId: '*', effect: 'block' }),
  ],
});
