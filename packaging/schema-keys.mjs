import { readFile } from 'node:fs/promises';

/**
 * An esbuild plugin. The SDK writes its schemas with computed keys, `{ [_xN]: _Fil }`, which esbuild cannot drop when
 * nothing uses them (aws/aws-sdk-js-v3 issue 7607). With literal keys, a bundle has the schemas of its commands only.
 */
export const schemaKeys = {
  name: 'schema-keys',
  setup(build) {
    build.onLoad({ filter: /[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/ }, async ({ path }) => ({
      contents: inlineSchemaKeys(await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};

/** Replaces each computed key with the string of its constant. */
export function inlineSchemaKeys(source) {
  const constants = new Map(
    [...source.matchAll(/^const (\w+) = ("(?:[^"\\]|\\.)*");$/gm)].map(([, name, value]) => [name, value]),
  );
  return source.replace(/\[(\w+)\]:/g, (computed, name) =>
    constants.has(name) ? `${constants.get(name)}:` : computed,
  );
}
