import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

const endOfDirectory = 0x06054b50;
const directoryEntryLength = 46;
const localHeaderLength = 30;
const deflated = 8;

/** Unpacks a deployment package: a zip archive below 4 GB, not encrypted and not split. */
export async function unzip(archive: string, folder: string): Promise<void> {
  const zip = await readFile(archive);
  for (const { path, content } of readDirectory(zip)) {
    if (path.endsWith('/')) continue;
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

function* readDirectory(zip: Buffer): Generator<{ path: string; content: Buffer }> {
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(endOfDirectory);
  const end = zip.lastIndexOf(signature);
  if (end < 0) throw new Error('the deployment package is not a zip archive');

  let at = zip.readUInt32LE(end + 16);
  for (let remaining = zip.readUInt16LE(end + 10); remaining > 0; remaining -= 1) {
    const method = zip.readUInt16LE(at + 10);
    const size = zip.readUInt32LE(at + 20);
    const [name, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const header = zip.readUInt32LE(at + 42);
    const path = zip.toString('utf8', at + directoryEntryLength, at + directoryEntryLength + name);
    const start = header + localHeaderLength + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
    const stored = zip.subarray(start, start + size);
    yield { path, content: method === deflated ? inflateRawSync(stored) : stored };
    at += directoryEntryLength + name + extra + comment;
  }
}
