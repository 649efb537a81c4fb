import type { Context } from 'hono';
import type { ReadDeps } from '../storage/entity.ts';
import { formatKey, UnreadableItemError } from '../storage/entity.ts';

/** Collects and reports the unreadable items of a request. */
export function collectUnreadable(reportError: ReadDeps['reportError']) {
  const errorsByKey = new Map<string, UnreadableItemError>();
  return {
    reportError(error: unknown, operation: string) {
      if (error instanceof UnreadableItemError) errorsByKey.set(formatKey(error.key), error);
      reportError(error, operation);
    },
    errors: () => [...errorsByKey.values()],
  };
}

const maxNamedItems = 20;

/** Adds a warning to a response for each unreadable item that it omits. */
export async function addUnreadableWarnings(
  errors: readonly UnreadableItemError[],
  context: Context,
): Promise<void> {
  if (errors.length === 0 || !context.res.ok) return;
  const { warnings = [], ...responseFields } = (await context.res.clone().json()) as { warnings?: string[] };
  const itemWarnings = errors
    .slice(0, maxNamedItems)
    .map(({ message }) => `the response omits an unreadable item: ${message}`);
  const omittedCount = errors.length - itemWarnings.length;
  const more = omittedCount > 0 ? [`and ${omittedCount} more unreadable items`] : [];
  const remedy = 'linkgate doctor names the remedy for unreadable items';
  const body = { ...responseFields, warnings: [...warnings, ...itemWarnings, ...more, remedy] };
  context.res = new Response(JSON.stringify(body), context.res);
}
