import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { schemaKeys } from './schema-keys.mjs';

const environmentCredentials = fileURLToPath(new URL('environment-credentials.ts', import.meta.url));

/**
 * Bundles a function for Lambda. CommonJS loads faster than ESM there. The source map is next to the bundle, outside the package.
 * @param {string} entryPoint the function's file
 * @param {string} outfile
 * @param {import('esbuild').BuildOptions} [options] overrides
 */
export function bundle(entryPoint, outfile, options = {}) {
  return build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': environmentCredentials },
    plugins: [schemaKeys],
    sourcemap: 'external',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    ...options,
  });
}
