import { formatTimestamps } from '../../lib/approvals/status-text.ts';
import { Explanation, type Step } from '../api-views.ts';
import type { HandlerDeps } from '../handler.ts';
import type { CommonOptions } from '../options.ts';
import { accountLabel, actorLabel, color, type Output, serviceLabel, table, time } from '../output.ts';

export function explainConnection({ open }: HandlerDeps) {
  return async (endpointId: string, options: CommonOptions) => {
    const { api, output } = await open(options);
    const explanation = await api.call('GET', ['connections', endpointId], Explanation);
    output.result(explanation, formatExplanation(explanation, output));
    output.warn(explanation.warnings);
  };
}

type Verdict = NonNullable<Explanation['verdict']>;
type Connection = Explanation['connection'];

function formatExplanation({ connection, verdict, history, next }: Explanation, output: Output): string {
  const { paint } = output;
  return [
    request(connection),
    `In EC2 it is ${color(connection.state, paint)}.`,
    ...(connection.differs ? [paint('yellow', `This differs: ${connection.differs}.`)] : []),
    verdict
      ? `\nThe verdict is ${color(verdict.outcome, paint)}:\n${findings(verdict, connection, output)}`
      : '\nlinkgate has given no verdict.',
    ...(history.length > 0 ? [`\nWhat happened:\n${steps(history, output)}`] : []),
    ...(next ? [`\n${wrapped(formatTimestamps(next, time), output)}`] : []),
  ].join('\n');
}

function request(connection: Connection): string {
  const { endpointId, ownerAccountId, customer, endpointRegion, requestedAt } = connection;
  const from = endpointRegion ? ` from ${endpointRegion}` : '';
  const when = requestedAt ? ` on ${time(requestedAt)}` : '';
  return `Account ${accountLabel(ownerAccountId, customer)} asked${from}${when}\nto connect ${endpointId}\nto ${serviceLabel(connection)}.`;
}

/** The findings. A connection in question shows no finding that accepts it: that is no reason for the question. */
function findings({ outcome: verdict, findings: all }: Verdict, { state }: Connection, output: Output) {
  const isInQuestion = (state === 'available' || state === 'pending') && verdict !== 'accept';
  const rows = all
    .filter(({ outcome }) => !isInQuestion || outcome !== 'accept')
    .map(({ rule, outcome, reason }) => ({
      cells: [`  ${color(outcome, output.paint)}`, rule, formatTimestamps(reason, time)],
    }));
  return table(['  SAYS', 'RULE', 'BECAUSE'], rows, output);
}

function steps(history: readonly Step[], output: Output): string {
  const rows = folded(history, output).map(({ first, last, times, what }) => {
    const again = times === 1 ? '' : ` (and ${times - 1} more, the last on ${time(last)})`;
    return { cells: [`  ${time(first)}`, what + again] };
  });
  return table(['  WHEN', 'WHAT'], rows, output);
}

/** Folds equal steps in a row into one line, such as a call that EC2 refuses again and again. */
function folded(history: readonly Step[], output: Output) {
  const lines: { first: string; last: string; times: number; what: string }[] = [];
  for (const step of history) {
    const why = step.reason ?? reasonIn(step);
    const what = `${formatStep(step, output)}${why ? `: ${formatTimestamps(why, time)}` : ''}`;
    const before = lines.at(-1);
    if (before?.what === what) Object.assign(before, { last: step.time, times: before.times + 1 });
    else lines.push({ first: step.time, last: step.time, times: 1, what });
  }
  return lines;
}

/** The reason of the decisive finding. A person's decision has its own step. */
function reasonIn({ findings, outcome }: Step): string | undefined {
  return findings?.find((finding) => finding.outcome === outcome && !/^person-/.test(finding.rule))?.reason;
}

/** One step as a sentence. An action of a later version of linkgate shows its own name. */
function formatStep(step: Step, { paint }: Output): string {
  const { action, outcome, state } = step;
  const actor = actorLabel(step.actor);
  const effect = color(outcome ?? '', paint);
  const shown = color(state ?? '', paint);
  const sentences: Readonly<Record<string, string>> = {
    requested: `${actor} asked to connect`,
    observed: `it was found ${shown}`,
    decided: `${actor} decided ${effect}`,
    'approval-requested': 'approval was requested',
    reminded: 'approvers were reminded',
    escalated: 'it was escalated',
    expired: 'the deadline passed',
    approved: `${actor} approved it${withIt(step)}`,
    denied: `${actor} denied it${withIt(step)}`,
    applying: `${actor} called EC2 to ${effect} it`,
    applied: `EC2 showed it ${shown}`,
    refused: actor === 'ec2' ? `EC2 did not ${effect} it` : 'linkgate left it as it is',
    'disconnect-scheduled': `its disconnect was scheduled ${step.disconnectAt && step.disconnectAt > step.time ? `at ${time(step.disconnectAt)}` : 'at once'}`,
    extended: step.disconnectAt
      ? `${actor} extended it until ${time(step.disconnectAt)}`
      : 'its disconnect was cancelled',
    disconnected: `it was disconnected, EC2 showed it ${shown}`,
    grandfathered: `${actor} grandfathered it`,
    'expiry-warned': 'people were warned that its permission expires',
    deleted: 'EC2 no longer lists it',
  };
  return sentences[action] ?? `${actor} ${action} ${effect}`.trimEnd();
}

const wrote = { allow: 'allowed', block: 'blocked' };

/** The allowlist change and the ticket of a person's decision. */
function withIt({ ticket, entry }: Step): string {
  const until = entry?.expiresAt ? ` until ${time(entry.expiresAt)}` : '';
  const also = entry ? ` and ${wrote[entry.effect]} its account${until}` : '';
  return `${also}${ticket ? ` (ticket ${ticket})` : ''}`;
}

/** Wraps a text to the terminal. A command in backticks stays whole, so that people can copy it. */
function wrapped(text: string, { width }: Output): string {
  const [first = '', ...words] = text.match(/(?:`[^`]*`|\S)+/g) ?? [];
  const lines: string[] = [];
  let line = first;
  for (const word of words) {
    if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line].join('\n');
}
