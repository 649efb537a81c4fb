import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { inMemory, type Persisted } from '../persistence.ts';
import type { View } from './blocks.ts';
import { preserveInputs, type StateValues } from './inputs.ts';
import { SlackApiError } from './slack-error.ts';

/** What somebody did, which a modal may answer. */
export interface Interaction {
  readonly user: string;
  readonly team: string;
  /** Of the response URL that came with it: where answers to this user alone go. */
  readonly responseId: string;
}

/** A modal on somebody's screen. */
export interface OpenView extends Interaction {
  readonly id: string;
  /** Another one each time the view changes. */
  readonly hash: string;
  readonly view: View;
  /** What stands in its inputs, since they were last sent. */
  readonly values?: StateValues;
}

interface Trigger extends Interaction {
  readonly expiresAt: number;
  readonly viewId?: string;
}

export interface Views {
  /** The id by which an interaction can be answered by one modal, within 3 seconds. */
  trigger(interaction: Interaction): string;
  /** @throws SlackRefusal */
  open(triggerId: string, view: View): OpenView;
  /** The modal that came of a trigger, if one did. */
  openedBy(triggerId: string): OpenView | undefined;
  find(viewId: string): OpenView | undefined;
  /** What somebody has put into its inputs. */
  fill(viewId: string, values: StateValues): void;
  /**
   * Inputs that both have keep what stands in them.
   * @throws SlackRefusal where `hash` is no longer the view's.
   */
  replace(viewId: string, view: View, hash?: string): OpenView;
  close(viewId: string): void;
}

const triggerMs = 3000;

export function createViews(clock: Clock, persisted: Persisted = inMemory): Views {
  const triggers = persisted<Trigger>('slack/triggers');
  const views = persisted<OpenView>('slack/views');

  const find = (viewId: string) => views.get(viewId);

  function show(one: OpenView): OpenView {
    views.set(one.id, one);
    return one;
  }

  return {
    trigger(interaction) {
      const id = `${clock.now()}.${randomBytes(6).toString('hex')}`;
      triggers.set(id, { ...interaction, expiresAt: clock.now() + triggerMs });
      return id;
    },
    open(triggerId, view) {
      const trigger = triggers.get(triggerId);
      if (!trigger) throw new SlackApiError('invalid_trigger_id');
      if (trigger.viewId !== undefined) throw new SlackApiError('exchanged_trigger_id');
      if (trigger.expiresAt < clock.now()) throw new SlackApiError('expired_trigger_id');
      const id = `V${randomBytes(5).toString('hex').toUpperCase()}`;
      triggers.set(triggerId, { ...trigger, viewId: id });
      const { user, team, responseId } = trigger;
      return show({ user, team, responseId, id, hash: newHash(), view });
    },
    openedBy: (triggerId) => find(triggers.get(triggerId)?.viewId ?? ''),
    find,
    fill(viewId, values) {
      const shown = find(viewId);
      if (shown) show({ ...shown, values });
    },
    replace(viewId, view, hash) {
      const shown = find(viewId);
      if (!shown) throw new SlackApiError('not_found');
      if (hash !== undefined && hash !== shown.hash) throw new SlackApiError('hash_conflict');
      const { values = {}, ...known } = shown;
      const blocks = preserveInputs(view.blocks, values);
      return show({ ...known, hash: newHash(), view: { ...view, blocks } });
    },
    close: (viewId) => void views.delete(viewId),
  };
}

function newHash(): string {
  return randomBytes(6).toString('hex');
}
