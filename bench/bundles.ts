import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import type { BuildOptions } from 'esbuild';
import { bundle } from '../packaging/bundle.mjs';
import { type Bench, type Figure, median } from './figure.ts';
import { deployedFunctions, root } from './package.ts';

/** Plain esbuild: the bundle keeps all schemas of the SDK and its credential provider chain. */
const stock: BuildOptions = { plugins: [], alias: {}, logLevel: 'error' };

const runs = 15;

interface BundledFunction {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly packaged: string;
  readonly stock: string;
}

export const bundles: Bench = {
  name: 'bundles',
  about: `In parentheses esbuild's bundle without the plugin that removes unused SDK schemas, and with all credential providers. Load time: \`require\` in a new process, median of ${runs} runs.`,
  async measure(say) {
    const folder = await mkdtemp(join(tmpdir(), 'linkgate-bench-'));
    try {
      say('bundling');
      const bundled = await Promise.all((await deployedFunctions()).map((each) => bundleBoth(each, folder)));
      const sizes = await Promise.all(bundled.map(measureSize));
      return [...sizes, ...(await measureLoadTimes(bundled, say))];
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

async function bundleBoth(
  { name, environment }: Pick<BundledFunction, 'name' | 'environment'>,
  folder: string,
): Promise<BundledFunction> {
  const entry = join(root, 'functions', `${name}.ts`);
  const files = { packaged: join(folder, `${name}.cjs`), stock: join(folder, `${name}.stock.cjs`) };
  await bundle(entry, files.packaged, { sourcemap: false });
  await bundle(entry, files.stock, { sourcemap: false, ...stock });
  return { name, environment, ...files };
}

async function measureSize({ name, ...files }: BundledFunction): Promise<Figure> {
  const [packaged, stock] = await Promise.all([readFile(files.packaged), readFile(files.stock)]);
  const zippedKiB = (code: Buffer) => deflateRawSync(code, { level: 9 }).length / 1024;
  return {
    name: `${name}, zipped`,
    value: zippedKiB(packaged),
    unit: 'KiB',
    baseline: { name: 'stock bundle', value: zippedKiB(stock) },
  };
}

/** Alternates between both kinds, so that other load affects both alike. The first round only warms the disk cache. */
async function measureLoadTimes(
  bundled: readonly BundledFunction[],
  say: (progress: string) => void,
): Promise<Figure[]> {
  const times = new Map(
    bundled.map(({ name }) => [name, { packaged: [] as number[], stock: [] as number[] }]),
  );
  for (let run = 0; run <= runs; run++) {
    say(`loading, round ${run} of ${runs}`);
    for (const { name, environment, ...files } of bundled)
      for (const kind of ['packaged', 'stock'] as const) {
        const time = await measureLoadTime(files[kind], environment);
        if (run > 0) times.get(name)?.[kind].push(time);
      }
  }
  return [...times].map(([name, { packaged, stock }]) => ({
    name: `${name}, load time`,
    value: median(packaged),
    unit: 'ms',
    baseline: { name: 'stock bundle', value: median(stock) },
  }));
}

const timedRequire = `const start = performance.now(); require(process.argv[1]); console.log(performance.now() - start); process.exit()`;

async function measureLoadTime(file: string, environment: BundledFunction['environment']): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', timedRequire, file], {
    env: { ...environment, PATH: process.env.PATH },
  });
  return Number(stdout);
}
