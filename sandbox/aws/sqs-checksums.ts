import { createHash } from 'node:crypto';
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';

const stringValue = 1;
const binaryValue = 2;

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
    const { DataType = 'String', StringValue, BinaryValue } = attributes[name] ?? {};
    hash.update(withLength(name)).update(withLength(DataType));
    hash.update(Buffer.of(BinaryValue ? binaryValue : stringValue));
    hash.update(withLength(BinaryValue ?? StringValue ?? ''));
  }
  return hash.digest('hex');
}

function withLength(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
