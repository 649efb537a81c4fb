import { expect, test } from '@jest/globals';
import { readTemplate } from './package.ts';
import { findSection, parseTable, readPage } from './page.ts';

test('docs/troubleshooting.md has every alarm of the template, and no other', () => {
  const alarms = Object.values(readTemplate().Resources)
    .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
    .map(({ Properties }) => String(Properties?.AlarmName).replace(/^linkgate-[a-z]+-/, ''));
  const names = parseTable(findSection(readPage('docs/troubleshooting.md'), 'Alarms'))
    .flatMap(({ alarm = '' }) => alarm.split(', '))
    .map((name) => name.replaceAll('`', ''));
  const matches = (name: string, alarm: string) =>
    name.startsWith('<queue>') ? alarm.endsWith(name.replace('<queue>', '')) : alarm === name;
  expect(alarms.filter((alarm) => !names.some((name) => matches(name, alarm)))).toEqual([]);
  expect(names.filter((name) => !alarms.some((alarm) => matches(name, alarm)))).toEqual([]);
});
