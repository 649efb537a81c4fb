import type { Context } from 'hono';
import type { ReadDeps } from '../storage/entity.ts';
import { formatKey, UnreadableItemError } from '../storage/entity.ts';

/** Remembers the items that could not be read for an answer, beside reporting them. */
export function collectUnreadable(reportError: ReadDeps['reportError']) {
  const found = new Map<string, UnreadableItemError>();
  return {
    reportError(error: unknown) {
      if (error instanceof UnreadableItemError) found.set(formatKey(error.key), error);
      reportError(error);
    },
    errors: () => [...found.values()],
  };
}

const maxNamedItems = 20;

/** Adds to an answer which items it was made without. */
export async function addUnreadableWarnings(
  errors: readonly UnreadableItemError[],
  context: Context,
): Promise<void> {
  if (errors.length === 0 || !context.res.ok) return;
  const { warnings = [], ...answer } = (await context.res.clone().json()) as { warnings?: string[] };
  const named = errors
    .slice(0, maxNamedItems)
    .map(({ message }) => `this is without what cannot be read: ${message}`);
  const others = errors.length - named.length;
  const more = others > 0 ? [`so it is with ${others} more items`] : [];
  const remedy = 'what to do about items that cannot be read: linkgate doctor';
  const body = { ...answer, warnings: [...warnings, ...named, ...more, remedy] };
  context.res = new Response(JSON.stringify(body), context.res);
}
