import { removeUnreadable } from '../../items/remove-unreadable.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp } from '../env.ts';
import { doneAlready, mayBeDoneAlready } from '../idempotency.ts';
import { ItemQuery, valid } from '../input.ts';

export function itemsRoutes(app: ApiApp): void {
  app.delete('/items', async (context) => {
    const api = context.get('api');
    const item = valid(ItemQuery, context.req.query(), 'the question');
    const removed = await removeUnreadable(item, api.caller, api);
    if (removed) {
      const { afterwards } = removed;
      return context.json({
        item,
        warnings: afterwards === undefined ? [] : [`what is left to do: ${afterwards}`],
      });
    }
    if (mayBeDoneAlready(context)) return context.json({ item, warnings: [doneAlready] });
    throw new ApiError(
      404,
      'UnknownItem',
      `there is no item \`${item.pk}\` \`${item.sk}\`; see \`linkgate doctor\``,
    );
  });
}
