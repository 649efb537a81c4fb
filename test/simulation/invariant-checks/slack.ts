import { statusLabels } from '../../../lib/approvals/status-text.ts';
import type { AssertInvariant } from '../invariants.ts';
import type { SlackObserver } from '../slack.ts';
import { readTitle } from '../slack.ts';
import type { watchWrites } from './writes.ts';

/** Checks each posted or updated Slack message. */
export function watchSlack(
  assertInvariant: AssertInvariant,
  note: (subject: string, event: string) => void,
  { wasClosedSince }: Pick<ReturnType<typeof watchWrites>, 'wasClosedSince'>,
) {
  const connected = new Set<string>();

  const recordMessage: SlackObserver['observeMessage'] = (run, message) => {
    const { ts, threadTs, text } = message;
    // A note on the account before it may name another endpoint.
    const [, endpointId = ''] = (threadTs ? /(vpce-\w+)/ : /Endpoint\W+(vpce-\w+)/).exec(text) ?? [];
    note(run.requestId, `shows ${threadTs ? 'below ' : ''}${threadTs ?? ts}: ${readTitle(message) || text}`);
    assertInvariant(
      'a message shows a connection as connected only after EC2 shows it',
      !readTitle(message).startsWith(statusLabels.connected) || connected.has(endpointId),
      endpointId,
    );
    assertInvariant(
      'approvers are not reminded of a decided request',
      !threadTs || !wasClosedSince(endpointId, run.startedAt),
      endpointId,
    );
  };

  return {
    observeMessage: recordMessage,
    recordState(endpointId: string, state: string): void {
      if (state === 'available') connected.add(endpointId);
    },
  };
}
