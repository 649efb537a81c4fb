import { createHash } from 'node:crypto';
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';

/** The type byte of a string; the sandbox has no binary attributes. */
const stringType = Buffer.of(1);

/** Returns the MD5 that clients compare with their own. */
export function bodyChecksum(body: string): string {
  return createHash('md5').update(body).digest('hex');
}

/** Returns the MD5 over the attributes sorted by name: length and bytes of name, type and value. */
export function attributesChecksum(
  attributes: Readonly<Record<string, MessageAttributeValue>>,
): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  for (const name of names) {
    const { DataType = 'String', StringValue = '' } = attributes[name] ?? {};
    hash.update(withLength(name)).update(withLength(DataType)).update(stringType);
    hash.update(withLength(StringValue));
  }
  return hash.digest('hex');
}

function withLength(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
