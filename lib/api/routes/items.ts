import { removeUnreadable } from '../../doctor/remove-unreadable.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp } from '../env.ts';
import { alreadyRemovedWarning, isPossibleRetry } from '../idempotency-key.ts';
import { ItemQuery, validateInput } from '../input.ts';

export function itemsRoutes(app: ApiApp): void {
  app.delete('/items', async (context) => {
    const api = context.get('api');
    const item = validateInput(ItemQuery, context.req.query(), 'the query');
    const removed = await removeUnreadable(item, api.caller, api);
    if (removed) {
      const { afterwards } = removed;
      return context.json({
        item,
        warnings: afterwards === undefined ? [] : [`next step: ${afterwards}`],
      });
    }
    if (isPossibleRetry(context)) return context.json({ item, warnings: [alreadyRemovedWarning] });
    throw new ApiError(
      404,
      'UnknownItem',
      `there is no item \`${item.pk}\` \`${item.sk}\`; see \`linkgate doctor\``,
    );
  });
}
