import type { Context } from 'hono';
import type { ReadDeps } from '../storage/entity.ts';
import { formatKey, UnreadableItemError } from '../storage/entity.ts';

/** Collects the unreadable items of a request, and reports them. */
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

/** Adds a warning to a response for each unreadable item that it omits. */
export async function addUnreadableWarnings(
  errors: readonly UnreadableItemError[],
  context: Context,
): Promise<void> {
  if (errors.length === 0 || !context.res.ok) return;
  const { warnings = [], ...answer } = (await context.res.clone().json()) as { warnings?: string[] };
  const named = errors
    .slice(0, maxNamedItems)
    .map(({ message }) => `the response omits an unreadable item: ${message}`);
  const others = errors.length - named.length;
  const more = others > 0 ? [`and ${others} more unreadable items`] : [];
  const remedy = 'linkgate doctor names the remedy for unreadable items';
  const body = { ...answer, warnings: [...warnings, ...named, ...more, remedy] };
  context.res = new Response(JSON.stringify(body), context.res);
}
