import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { shellWord } from '../../lib/values/shell-word.ts';

test('an external value is quoted as one shell word', () => {
  const samples = fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), {
    numRuns: 300,
    seed: 3,
  });
  const pasted = [...samples, "it's $(here); `now` *", '*', '!x', '~', '# note'].map((sample) =>
    sample.replaceAll('\0', '').toWellFormed(),
  );
  const script = `printf '%s\\0' ${pasted.map(shellWord).join(' ')}`;
  expect(execFileSync('sh', ['-c', script]).toString().split('\0').slice(0, -1)).toEqual(pasted);
});

test('a value without special characters has no quotes', () => {
  expect(['orders', 'vpce-svc-0123456789abcdef0', '30d', 'a@example.com'].map(shellWord).join(' ')).toBe(
    'orders vpce-svc-0123456789abcdef0 30d a@example.com',
  );
});
