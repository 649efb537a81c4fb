import type { MessageId, Notification } from './notification.ts';

/**
 * One kind of notification. To add one: name its audience in notification.ts, write a renderer, and list it where its queue is
 * handled.
 */
export interface Renderer<Message> {
  /** Loads what the audience of a target should know now; undefined if there is nothing to tell, or nobody. */
  load(id: string, received: Notification): Promise<Content<Message> | undefined>;
}

/** What an audience should know of a target now. */
export interface Content<Message> {
  /** The hash of everything that the message shows. */
  readonly contentHash: string;
  /** A new generation starts a new message: a new question about the same target. */
  readonly generation: string;
  /** Whether somebody still has to act. linkgate retries until then, and moves the message with the group's channel. */
  readonly isOpen: boolean;
  readonly slack?: SlackContent<Message>;
  /** The e-mails that should have been sent. `deliver` omits those whose version the address has received. */
  readonly emails: readonly EmailToSend[];
  /** The minimum number of seconds between two updates of the message, and between two rounds of e-mails. Default: 0. */
  readonly intervalSeconds?: { readonly message: number; readonly email: number };
  /** Seconds since the epoch, for DynamoDB's TTL, once the target has ended. */
  readonly expiresAt?: number;
}

export interface SlackContent<Message> {
  /** The approver group, whose item records a permanent error of the channel. */
  readonly group: string;
  /** The channel of a new message. */
  readonly channel: string;
  render(): Promise<Message>;
  /** Renders the replacement of a message that another one in this channel replaced. */
  renderOutdated(channel: string): Message;
  /** A reply in the thread of the message, which counts as sent if the message is new. */
  readonly reply?: { readonly id: string; readonly text: string; readonly otherChannel?: string };
}

export interface EmailToSend {
  readonly address: string;
  /** Identifies the content, so that each address gets each version once. */
  readonly version: string;
  send(): Promise<void>;
}

export interface Destination {
  readonly group: string;
  readonly channel: string;
}

/** The channels of Slack during one run. Errors are results. */
export interface MessageSession<Message> {
  /** `off`: Slack is not connected. A number: the seconds after which a call may succeed; undefined if that is unknown. */
  availability(destination: Destination): Promise<'ready' | 'off' | { readonly seconds?: number }>;
  /** `unknown`: the answer never came, and the message may exist. */
  post(destination: Destination, message: Message): Promise<MessageId | 'failed' | 'unknown'>;
  /** Posts a text, in a thread if there is one. */
  postText(destination: Destination, text: string, threadTs?: string): Promise<boolean>;
  /** `deleted`: a person deleted the message. `fixed`: Slack no longer allows an update. */
  update(
    destination: Destination,
    ts: string,
    message: Message,
  ): Promise<'updated' | 'deleted' | 'fixed' | 'failed'>;
  /** @returns whether it needs no retry: a permanent error ends retries too. */
  replaceOutdated(message: MessageId, replacement: Message): Promise<boolean>;
  remove(destination: Destination, message: MessageId): Promise<void>;
}

export function isSameMessage(one: MessageId | undefined, other: MessageId | undefined): boolean {
  return one?.channel === other?.channel && one?.ts === other?.ts;
}
