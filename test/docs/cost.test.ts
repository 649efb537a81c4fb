import { describe, expect, test } from '@jest/globals';
import { readTemplate, resourceTypes } from './package.ts';
import { findSection, parseTable, readPage } from './page.ts';

const volumes = [10, 1_000, 100_000];
const unitsOfPrice: Readonly<Record<string, number>> = { each: 1, thousand: 1_000, million: 1_000_000 };

const rows = parseTable(findSection(readPage('docs/deploy.md'), 'What it costs'));
const lines = rows.slice(0, -1);
const totalRow = rows.at(-1) ?? {};

const parseNumber = (cell = '') => Number(cell.replaceAll(/[,*]/g, ''));
const formatVolume = (volume: number) => volume.toLocaleString('en-US');
const atRest = (name: string) => parseNumber(lines.find((line) => line.what?.startsWith(name))?.['at rest']);

describe('the table of costs', () => {
  test.each(lines)('multiplies quantity and price: $what', (line) => {
    const price = parseNumber(line['price in $']) / (unitsOfPrice[line.for ?? ''] ?? Number.NaN);
    for (const volume of volumes) {
      const quantity = parseNumber(line['at rest']) + parseNumber(line['each request']) * volume;
      expect(Math.abs(parseNumber(line[formatVolume(volume)]) - quantity * price)).toBeLessThanOrEqual(
        0.005 + 1e-6,
      );
    }
  });

  test.each(volumes.map(formatVolume))('has the correct total for %s requests', (volume) => {
    const sum = lines.reduce((total, line) => total + parseNumber(line[volume]), 0);
    expect(parseNumber(totalRow[volume])).toBeCloseTo(sum, 2);
  });

  test('counts the alarms, metrics and queues of the template', () => {
    const template = readTemplate();
    const ofType = (type: string) => resourceTypes(template).filter((each) => each === type).length;
    expect(atRest('CloudWatch: alarms')).toBe(ofType('AWS::CloudWatch::Alarm'));
    expect(atRest('CloudWatch: metrics')).toBe(ofType('AWS::Logs::MetricFilter'));

    const polled = Object.values(template.Resources).filter(
      ({ Type, Properties }) => Type === 'AWS::Lambda::EventSourceMapping' && !Properties?.StartingPosition,
    ).length;
    const pollsOfAQueue = 5 * 3 * minutes;
    const messagesOfSweeps = 3 * sweeps;
    expect(atRest('SQS, FIFO')).toBe(pollsOfAQueue);
    expect(atRest('SQS, standard')).toBe((polled - 1) * pollsOfAQueue + messagesOfSweeps);
  });

  test('assumes that paid metrics beyond the free ones are off', () => {
    const properties = Object.values(readTemplate().Resources).map((resource) => resource.Properties ?? {});
    const isOn = JSON.stringify(properties).match(
      /"(DetailedMetricsEnabled":true|MetricsConfig"|TracingConfig"|ContributorInsightsSpecification"|EnhancedMetricsEnabled")/g,
    );
    expect(isOn).toBeNull();
    for (const { Type, Properties } of Object.values(readTemplate().Resources))
      if (Type === 'AWS::CloudWatch::Alarm') {
        // An alarm with a shorter period or several metrics costs more than the table says.
        expect(Properties).toMatchObject({ MetricName: expect.any(String) });
        expect(Number(Properties?.Period)).toBeGreaterThanOrEqual(60);
      }
  });

  test('counts two invocations per sweep: for the schedule and for the location', () => {
    expect(atRest('Lambda: requests')).toBe(2 * sweeps);
  });
});

const minutes = 30 * 24 * 60;
const sweeps = minutes + minutes / 15;
