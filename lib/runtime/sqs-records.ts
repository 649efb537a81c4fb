import type { Logger } from '@aws-lambda-powertools/logger';
import type { SQSRecord } from 'aws-lambda';
import * as v from 'valibot';

/** A message that does not match its schema, and the problems. */
export type MalformedMessage = SQSRecord & { readonly problems: string };

/**
 * Parses each message of a batch by a schema. Logs a malformed message and reports it as failed, so that SQS moves it to the
 * dead-letter queue.
 */
export function parseRecords<const Schema extends v.GenericSchema>(
  records: readonly SQSRecord[],
  schema: Schema,
  logger: Logger,
): { messages: { record: SQSRecord; value: v.InferOutput<Schema> }[]; malformed: MalformedMessage[] } {
  const malformed: MalformedMessage[] = [];
  const messages = records.flatMap((record) => {
    const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), record.body);
    if (result.success) return [{ record, value: result.output as v.InferOutput<Schema> }];
    const problems = v.summarize(result.issues);
    logger.error('invalid SQS message', { messageId: record.messageId, problems });
    malformed.push({ ...record, problems });
    return [];
  });
  return { messages, malformed };
}
