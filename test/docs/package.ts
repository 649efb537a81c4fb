import { readFileSync } from 'node:fs';
import { root } from './page.ts';

interface Template {
  readonly Parameters?: Readonly<Record<string, { readonly Default: string }>>;
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> }>
  >;
}

/** Reads the packaged template; the global setup creates it. */
export function readTemplate(): Template {
  return JSON.parse(readFileSync(`${root}.serverless/cloudformation-template-update-stack.json`, 'utf8'));
}

export function resourceTypes({ Resources }: Template): readonly string[] {
  return Object.values(Resources).map(({ Type }) => Type);
}
