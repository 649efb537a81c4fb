import type { Context } from 'hono';
import type { ReadDeps } from '../table/item.ts';
import { keyName, UnreadableItemError } from '../table/item.ts';

/** Remembers the items that could not be read for an answer, beside reporting them. */
export function collectUnreadable(report: ReadDeps['report']) {
  const found = new Map<string, UnreadableItemError>();
  return {
    report(error: unknown) {
      if (error instanceof UnreadableItemError) found.set(keyName(error.key), error);
      report(error);
    },
    errors: () => [...found.values()],
  };
}

const namedAtMost = 20;

/** Adds to an answer which items it was made without. */
export async function warnOf(errors: readonly UnreadableItemError[], context: Context): Promise<void> {
  if (errors.length === 0 || !context.res.ok) return;
  const { warnings = [], ...answer } = (await context.res.clone().json()) as { warnings?: string[] };
  const named = errors
    .slice(0, namedAtMost)
    .map(({ message }) => `this is without what cannot be read: ${message}`);
  const others = errors.length - named.length;
  const more = others > 0 ? [`so it is with ${others} more items`] : [];
  const remedy = 'what to do about items that cannot be read: linkgate doctor';
  const body = { ...answer, warnings: [...warnings, ...named, ...more, remedy] };
  context.res = new Response(JSON.stringify(body), context.res);
}
