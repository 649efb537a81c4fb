import * as v from 'valibot';
import { OperationsView } from '../api-views.ts';
import { formatChange, keyValues } from '../output.ts';
import type { Session } from '../session.ts';

const OperationsResponse = v.looseObject({ operations: OperationsView });

interface SetOptions {
  readonly slackChannel?: string;
  readonly email?: readonly string[];
}

export async function setOperations(session: Session, { slackChannel, email }: SetOptions) {
  const body = { slackChannel, emails: email };
  const { operations } = await session.api.call('PUT', ['operations'], OperationsResponse, { body });
  printOperations(operations, session);
}

export async function showOperations(session: Session) {
  const { operations } = await session.api.call('GET', ['operations'], OperationsResponse);
  printOperations(operations, session);
}

function printOperations(operations: OperationsView, { output }: Session): void {
  const { slackChannel, emails, changedAt, changedBy } = operations;
  const details = keyValues(
    [
      ['Slack channel', slackChannel ?? '-'],
      ['e-mail', emails.join(' ') || '-'],
      ['changed', formatChange(changedAt, changedBy)],
    ],
    output,
  );
  output.result({ operations }, details);
}
