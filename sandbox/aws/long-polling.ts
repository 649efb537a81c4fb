import type { Clock } from '../clock.ts';
import { findNextVisibleTime, hasReceivableMessage, type Queue } from './sqs-queue.ts';

interface QueueListeners {
  readonly consumers: Set<() => void>;
  readonly waiters: Set<() => void>;
  wakeTime: number;
  cancel: () => void;
}

/** Calls consumers and long polls when a message becomes visible, with one timer per queue. `find` returns the current queue. */
export function createLongPolls(clock: Clock, find: (arn: string) => Queue | undefined) {
  const listenersByQueue = new Map<string, QueueListeners>();

  function listenersFor(arn: string): QueueListeners {
    const listeners = listenersByQueue.get(arn) ?? {
      consumers: new Set(),
      waiters: new Set(),
      wakeTime: Number.POSITIVE_INFINITY,
      cancel: () => {},
    };
    listenersByQueue.set(arn, listeners);
    return listeners;
  }

  function wake(arn: string, time: number | undefined) {
    const listeners = listenersFor(arn);
    const hasListeners = listeners.consumers.size + listeners.waiters.size > 0;
    if (!hasListeners || time === undefined || listeners.wakeTime <= time) return;
    listeners.cancel();
    listeners.wakeTime = time;
    listeners.cancel = clock.at(time, () => {
      listeners.wakeTime = Number.POSITIVE_INFINITY;
      const queue = find(arn);
      if (!queue) return;
      if (hasReceivableMessage(queue, clock.now()))
        for (const listener of [...listeners.consumers, ...listeners.waiters]) listener();
      wake(arn, findNextVisibleTime(queue, clock.now()));
    });
  }

  return {
    wake,
    hasConsumer: (arn: string) => (listenersByQueue.get(arn)?.consumers.size ?? 0) > 0,
    consume(arn: string, listener: () => void) {
      listenersFor(arn).consumers.add(listener);
      wake(arn, clock.now());
    },
    /** Resolves when a message is visible, or after the wait. */
    arrival(queue: Queue, waitSeconds: number): Promise<void> {
      const { waiters } = listenersFor(queue.arn);
      return new Promise((resolve) => {
        const endWait = () => {
          waiters.delete(endWait);
          cancel();
          resolve();
        };
        const cancel = clock.at(clock.now() + waitSeconds * 1000, endWait);
        waiters.add(endWait);
        wake(queue.arn, findNextVisibleTime(queue, clock.now()));
      });
    },
  };
}
