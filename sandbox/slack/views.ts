import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import type { View } from './blocks.ts';
import { readInputState, type StateValues } from './inputs.ts';
import { SlackApiError } from './slack-error.ts';

/** An open modal. */
export interface OpenView {
  readonly id: string;
  readonly view: View;
  /** The state of its inputs. */
  readonly values: StateValues;
}

interface Trigger {
  readonly expiresAt: number;
  readonly viewId?: string;
}

export type Views = ReturnType<typeof createViews>;

const triggerMs = 3000;

export function createViews(clock: Clock, openMap: OpenMap = inMemory) {
  const triggers = openMap<Trigger>('slack/triggers');
  const views = openMap<OpenView>('slack/views');

  return {
    /** Creates a trigger id, which opens one modal within 3 seconds. */
    trigger(): string {
      const id = `${clock.now()}.${randomBytes(6).toString('hex')}`;
      triggers.set(id, { expiresAt: clock.now() + triggerMs });
      return id;
    },
    /** @throws SlackApiError */
    open(triggerId: string, view: View): OpenView {
      const trigger = triggers.get(triggerId);
      if (!trigger) throw new SlackApiError('invalid_trigger_id');
      if (trigger.viewId !== undefined) throw new SlackApiError('exchanged_trigger_id');
      if (trigger.expiresAt < clock.now()) throw new SlackApiError('expired_trigger_id');
      const id = `V${randomBytes(5).toString('hex').toUpperCase()}`;
      triggers.set(triggerId, { ...trigger, viewId: id });
      const opened = { id, view, values: readInputState(view.blocks) };
      views.set(id, opened);
      return opened;
    },
    /** Returns the modal that a trigger opened. */
    openedBy: (triggerId: string) => views.get(triggers.get(triggerId)?.viewId ?? ''),
    find: (viewId: string) => views.get(viewId),
    /**
     * Replaces the view. Inputs with the same `block_id` and `action_id` keep their values
     * (https://docs.slack.dev/surfaces/modals).
     */
    replace({ id, values }: OpenView, view: View): OpenView {
      const replaced = { id, view, values: readInputState(view.blocks, {}, values) };
      views.set(id, replaced);
      return replaced;
    },
    close: (viewId: string): void => void views.delete(viewId),
  };
}
