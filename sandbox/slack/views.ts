import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import type { View } from './blocks.ts';
import { preserveInputs, type StateValues } from './inputs.ts';
import { SlackApiError } from './slack-error.ts';

/** An interaction that can open a modal. */
export interface Interaction {
  readonly user: string;
  readonly team: string;
  /** The id of its response URL, for ephemeral messages. */
  readonly responseId: string;
}

/** An open modal. */
export interface OpenView extends Interaction {
  readonly id: string;
  /** A new hash for each change of the view. */
  readonly hash: string;
  readonly view: View;
  /** The last sent state of its inputs. */
  readonly values?: StateValues;
}

interface Trigger extends Interaction {
  readonly expiresAt: number;
  readonly viewId?: string;
}

export type Views = ReturnType<typeof createViews>;

const triggerMs = 3000;

export function createViews(clock: Clock, openMap: OpenMap = inMemory) {
  const triggers = openMap<Trigger>('slack/triggers');
  const views = openMap<OpenView>('slack/views');

  const find = (viewId: string) => views.get(viewId);

  function show(one: OpenView): OpenView {
    views.set(one.id, one);
    return one;
  }

  return {
    /** Creates a trigger id, which opens one modal within 3 seconds. */
    trigger(interaction: Interaction): string {
      const id = `${clock.now()}.${randomBytes(6).toString('hex')}`;
      triggers.set(id, { ...interaction, expiresAt: clock.now() + triggerMs });
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
      const { user, team, responseId } = trigger;
      return show({ user, team, responseId, id, hash: newHash(), view });
    },
    /** Returns the modal that a trigger opened. */
    openedBy: (triggerId: string) => find(triggers.get(triggerId)?.viewId ?? ''),
    find,
    /** Stores the input values of a person. */
    fill(viewId: string, values: StateValues) {
      const current = find(viewId);
      if (current) show({ ...current, values });
    },
    /** Replaces the view. Inputs that both views have keep their values. */
    replace(viewId: string, view: View): OpenView {
      const current = find(viewId);
      if (!current) throw new SlackApiError('not_found');
      const { values = {}, ...unchanged } = current;
      const blocks = preserveInputs(view.blocks, values);
      return show({ ...unchanged, hash: newHash(), view: { ...view, blocks } });
    },
    close: (viewId: string) => void views.delete(viewId),
  };
}

function newHash(): string {
  return randomBytes(6).toString('hex');
}
