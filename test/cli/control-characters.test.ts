import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { writePolicyFile } from '../../cli/policy-file/write-policy-file.ts';
import { answers, at, by, commandLines, endpointId, entry, serviceId, stdin } from './answers.ts';
import { parseDocument, writeFolder } from './policy-file/files.ts';
import { errorBody, runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();

const attack =
  "\u001b[31mred\u001b]0;title\u0007\r\b\u009b2J\u202eevil\u2066\u200b\u200d\ufeff\u007f\u0000\u2028\u2029\u0085\u{e0041}\t\nerror: forged\nlinkgate allow 666666666666 --service '*'";
const escapedAttack = String.raw`\u{1b}[31mred\u{1b}]0;title\u{7}\u{d}\u{8}\u{9b}2J\u{202e}evil\u{2066}\u{200b}\u{200d}\u{feff}\u{7f}\u{0}\u{2028}\u{2029}\u{85}\u{e0041}\t\nerror: forged\nlinkgate`;
const unsafe = /[^\n\P{C}]|[\p{Zl}\p{Zp}]/u;

/** Fields that neither a person nor a consumer can write: enumerations, and page tokens. */
const fixed = new Set([
  'effect',
  'decision',
  'status',
  'kind',
  'action',
  'state',
  'verdict',
  'outcome',
  'nextToken',
  'planId',
  'jobId',
  'serviceId',
  'endpointId',
  'mode',
  'managedBy',
  // linkgate itself writes this text, in several lines.
  'remedy',
]);

/** Adds the attack to each text that can come from outside. */
function injectAttack<Value>(value: Value, name?: string): Value;
function injectAttack(value: unknown, name = ''): unknown {
  if (typeof value === 'string')
    return fixed.has(name) || name.endsWith('At') || name === 'at' || name === 'time'
      ? value
      : value + attack;
  if (Array.isArray(value)) return value.map((each) => injectAttack(each, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, injectAttack(inner, key)]));
}

function injectIntoNotes(value: object): object {
  return JSON.parse(JSON.stringify(value), (name, inner) => (name === 'note' ? `${inner}${attack}` : inner));
}

const lines = commandLines.map(([line]) => line);

/** The lines whose output has no text from outside. */
const silent = new Set([
  'schema',
  'allowlist remove 012345678901 --service payments',
  'approvers remove ops',
  'customer remove acme',
  'sweep connections',
]);

function isYaml(line: string): boolean {
  return line.startsWith('export');
}

const hostileAnswers = Object.fromEntries(
  Object.entries(answers).map(([request, answer]) => [
    request,
    // The client parses a policy by its schema, in which only a note is free text.
    request === 'GET /policy' ? injectIntoNotes(answer) : injectAttack(answer),
  ]),
);

describe.each(lines)('`linkgate %s`', (line) => {
  beforeEach(() => aws.answer(hostileAnswers));

  test('escapes control characters, and prints no forged line', async () => {
    const { stdout, stderr } = await runCli(line, aws, { stdin, columns: 2_000 });
    const text = stdout + stderr;
    expect(unsafe.exec(text)).toBeNull();
    expect(text.split('\n').filter((each) => /^\W*(error: forged|linkgate allow 666)/.test(each))).toEqual(
      [],
    );
    if (silent.has(line)) return;
    expect(text.replaceAll(/\s+/g, '')).toContain(
      (isYaml(line)
        ? String.raw`\e[31mred`
        : line === 'slack manifest'
          ? String.raw`\u001b[31mred`
          : escapedAttack
      ).replaceAll(/\s+/g, ''),
    );
  });

  test('prints no colours in a terminal but its own', async () => {
    const { stdout, stderr } = await runCli(line, aws, { stdin, columns: 2_000, isTTY: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    const text = (stdout + stderr).replaceAll(/\u001b\[\d+m/g, '');
    expect(unsafe.exec(text)).toBeNull();
    if (!silent.has(line) && !isYaml(line) && line !== 'slack manifest')
      expect(text).toContain(String.raw`\u{1b}[31mred`);
  });

  test('escapes control characters with --json without changing the value', async () => {
    if (line === 'schema') return;
    const { stdout } = await runCli(`${line} --json`, aws, { stdin });
    expect(unsafe.exec(stdout)).toBeNull();
    const document = JSON.stringify(JSON.parse(stdout));
    if (line !== 'sweep connections') expect(document).toContain(JSON.stringify(attack).slice(1, -1));
  });
});

test('no file of the command line writes to a terminal without escaping', () => {
  const cli = fileURLToPath(new URL('../../cli/', import.meta.url));
  const writing = readdirSync(cli, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'process-io.ts')
    .filter((file) =>
      /\bconsole\.|\bprocess\.std(out|err)|\bprocessIo\.std/.test(readFileSync(join(cli, file), 'utf8')),
    );
  expect(writing).toEqual([]);
});

describe('hostile text', () => {
  test('in an error of the API is escaped', async () => {
    const details = {
      by: `bob${attack}`,
      at,
      decision: 'deny',
      problems: [{ at: `policy.yml:1:1${attack}`, message: `no${attack}` }],
    };
    aws.respond = () => ({ status: 409, body: errorBody('NotOpen', `too late${attack}`, details) });
    const { stderr, code } = await runCli(`approve ${endpointId}`, aws);
    expect(code).toBe(1);
    expect(unsafe.exec(stderr)).toBeNull();
    expect(stderr).toContain(`too late${escapedAttack}`);
    expect(stderr).toContain(`no${escapedAttack}`);
  });

  test('in a problem of a policy file is escaped', async () => {
    const yaml = `version: 1\n"a${'\\e[31m\\u202E\\r\\n'}b": 1\nservices: {payments: {approvers: "\\e\\nerror: forged"}}\n`;
    const file = join(writeFolder({ 'policy.yml': yaml }), 'policy.yml');
    const { stderr } = await runCli(`plan -f ${file}`, aws);
    expect(unsafe.exec(stderr)).toBeNull();
    expect(stderr).not.toMatch(/^error: forged/m);
    expect(stderr).toContain(String.raw`a\u{1b}[31m\u{202e}\u{d}\nb`);
  });

  test('in an argument is escaped in the output and sent unchanged', async () => {
    aws.respond = ({ method }) => (method === 'PUT' ? { body: { entry } } : { body: { services: [] } });
    await runCli(['allow', '012345678901', '--service', 'payments', '--note', attack], aws);
    expect(aws.apiRequests.at(-1)?.body).toMatchObject({ note: attack });
    const { stderr } = await runCli([`explain${attack}`], aws);
    expect(unsafe.exec(stderr)).toBeNull();
    expect(stderr).toContain(escapedAttack);
  });

  test('in a note is exported with escapes that parse to the same note', () => {
    for (const note of [attack, 'one\ntwo', 'tab\there', '\u{e0041}', '\ufdd0n', '\u0085', 'a\r\nb']) {
      const noted = { service: serviceId, accountId: '222222222222', effect: 'allow' as const, note };
      const text = writePolicyFile({
        groups: [],
        services: [{ serviceId, managedBy: 'file' }],
        customers: [],
        entries: [{ ...noted, managedBy: 'file' }],
      });
      expect(unsafe.exec(text)).toBeNull();
      expect(parse(text).allow[0].note).toBe(note);
      expect(parseDocument(text.replace('version: 1\n', '')).entries).toMatchObject([{ note }]);
    }
  });

  test('in a note is escaped in the Markdown of a plan', async () => {
    const note = '\n```\n# Approved\n[click](https://evil.example) <img src=x> ![i](x) </details>';
    const text = JSON.stringify(answers)
      .replaceAll('"a customer"', JSON.stringify(note))
      .replaceAll(by, `x/@octocat${note.replaceAll('\n', '\\n')}`);
    aws.answer(JSON.parse(text));
    const { stdout } = await runCli(lines.find((line) => line.startsWith('plan --markdown')) ?? '', aws);
    const outside = stdout.replaceAll(/^```\w*\n.*?\n```$/gms, '');
    expect(outside).not.toMatch(/Approved|click|img|octocat/);
  });
});
