import { expect, jest, test } from '@jest/globals';
import { logger, runtime } from '../../lib/aws/deps.ts';

test('the log line of a non-fatal error has the operation that failed', () => {
  const logError = jest.spyOn(logger, 'error').mockImplementation(() => {});
  const error = new Error('broken');
  runtime.reportError(error, 'read item');
  expect(logError).toHaveBeenCalledWith('non-fatal error', { operation: 'read item', error });
});
