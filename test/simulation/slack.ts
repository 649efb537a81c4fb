import { actionIds } from '../../lib/channels/slack/actions.ts';
import type { Block, ModalView } from '../../lib/channels/slack/blocks.ts';
import { type SlackWebApi, slackWebApi } from '../../lib/channels/slack/web-api.ts';
import type { EffectFault, Run } from './invocations.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** A message in a channel with its current content. */
export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly threadTs?: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly postedBy: Run;
}

/** Observes posted and updated messages. */
export interface SlackObserver {
  observeMessage(run: Run, message: SlackMessage): void;
}

interface Call {
  readonly channel?: string;
  readonly ts?: string;
  readonly thread_ts?: string;
  readonly text?: string;
  readonly blocks?: readonly Block[];
  readonly trigger_id?: string;
  readonly view?: ModalView;
}

export type Slack = ReturnType<typeof createSlack>;

/** Slack's Web API behind linkgate's client: channels, threads and opened modals. */
export function createSlack(random: Random, scheduler: Scheduler, observer: SlackObserver) {
  const messages = new Map<string, SlackMessage>();
  const views = new Map<string, ModalView>();
  let count = 0;
  let awayUntil = 0;

  function respond(run: Run, method: string, call: Call, fault?: EffectFault): Response {
    if (scheduler.now() < awayUntil) return new Response('', { status: 503 });
    if (fault === 'busy')
      return new Response('', { status: 429, headers: { 'retry-after': `${1 + random.below(60)}` } });
    return new Response(JSON.stringify(callMethod(run, method, call)));
  }

  function callMethod(run: Run, method: string, call: Call): object {
    const { channel = '', ts = '', text = '', blocks = [], thread_ts: threadTs } = call;
    switch (method) {
      case 'chat.postMessage': {
        const postedTs = `${++count}.000000`;
        show(run, { channel, ts: postedTs, ...(threadTs && { threadTs }), text, blocks, postedBy: run });
        return { ok: true, channel, ts: postedTs };
      }
      case 'chat.update': {
        const message = messages.get(ts);
        if (message?.channel !== channel) return { ok: false, error: 'message_not_found' };
        show(run, { ...message, text, blocks });
        return { ok: true, channel, ts };
      }
      case 'chat.delete':
        return messages.delete(ts) ? { ok: true } : { ok: false, error: 'message_not_found' };
      case 'views.open':
        if (call.view) views.set(call.trigger_id ?? '', call.view);
        return { ok: true };
      default:
        return { ok: false, error: 'unknown_method' };
    }
  }

  function show(run: Run, message: SlackMessage): void {
    messages.set(message.ts, message);
    observer.observeMessage(run, message);
  }

  return {
    /** Makes Slack unavailable for some milliseconds. */
    goAway(milliseconds: number): void {
      awayUntil = scheduler.now() + milliseconds;
    },
    comeBack(): void {
      awayUntil = 0;
    },
    /** Returns the messages outside of threads. */
    messages: () => [...messages.values()].filter(({ threadTs }) => threadTs === undefined),
    messageAt: (ts: string) => messages.get(ts),
    /** Returns the modal that a click opened. */
    findView: (triggerId: string) => views.get(triggerId),

    createApi: (run: Run): SlackWebApi =>
      slackWebApi({
        url: 'https://slack.test/api',
        tokens: async () => ['xoxb-simulated'],
        timeoutMs: 5_000,
        fetch: (url, init) =>
          run.call('slack', (fault) =>
            respond(run, String(url).split('/').at(-1) ?? '', JSON.parse(String(init?.body)) as Call, fault),
          ),
      }),
  };
}

export interface Button {
  readonly actionId: string;
  readonly value: string;
}

/** Lists the buttons of a message. */
export function listButtons({ blocks }: Pick<SlackMessage, 'blocks'>): Button[] {
  return blocks
    .filter(({ type }) => type === 'actions')
    .flatMap(({ elements }) => elements as readonly Block[])
    .filter(({ type }) => type === 'button')
    .map(({ action_id: actionId, value }) => ({ actionId: String(actionId), value: String(value) }));
}

/** Lists the button values by which a message decides requests. */
export function listButtonValues(message: SlackMessage): string[] {
  return listButtons(message).flatMap(({ actionId, value }) =>
    [actionIds.approve, actionIds.keep].some((click) => click === actionId) ? [value] : [],
  );
}

export function readTitle({ blocks }: Pick<SlackMessage, 'blocks'>): string {
  const header = blocks.find(({ type }) => type === 'header');
  return header ? (header.text as { readonly text: string }).text : '';
}
