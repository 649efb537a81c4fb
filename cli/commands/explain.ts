import { Explanation, type Step } from '../api-views.ts';
import {
  accountLabel,
  actorLabel,
  color,
  formatTimes,
  type Output,
  serviceLabel,
  statusLabel,
  table,
  time,
  wrapText,
} from '../output.ts';
import type { Session } from '../session.ts';

export async function explainConnection({ api, output }: Session, endpointId: string) {
  const explanation = await api.call('GET', ['connections', endpointId], Explanation);
  output.result(explanation, formatExplanation(explanation, output));
}

type Verdict = NonNullable<Explanation['verdict']>;
type Connection = Explanation['connection'];

function formatExplanation({ connection, verdict, history }: Explanation, output: Output): string {
  const { paint } = output;
  const { state, status, nextStep } = connection;
  const label = status && statusLabel(status).toLowerCase();
  const statusText = label && label !== state ? `: ${label}` : '';
  return [
    formatRequest(connection),
    `In EC2 it is ${color(state, paint)}${statusText}.`,
    ...(connection.differs ? [paint('yellow', `This differs: ${connection.differs}.`)] : []),
    verdict
      ? `\nThe verdict is ${color(verdict.outcome, paint)}:\n${findings(verdict, connection, output)}`
      : '\nlinkgate has given no verdict.',
    ...(history.length > 0 ? [`\nWhat happened:\n${formatSteps(history, output)}`] : []),
    ...(nextStep ? [`\n${wrapText(formatTimes(nextStep), output.width).join('\n')}`] : []),
  ].join('\n');
}

function formatRequest(connection: Connection): string {
  const { endpointId, ownerAccountId, customer, endpointRegion, requestedAt } = connection;
  const from = endpointRegion ? ` from ${endpointRegion}` : '';
  const requestTime = requestedAt ? ` on ${time(requestedAt)}` : '';
  return `Account ${accountLabel(ownerAccountId, customer)} asked${from}${requestTime}\nto connect ${endpointId}\nto ${serviceLabel(connection)}.`;
}

/**
 * Lists the findings. A connection that awaits approval shows no finding that accepts it, because that finding is no reason to
 * ask.
 */
function findings({ outcome: verdict, findings: all }: Verdict, { state }: Connection, output: Output) {
  const isInQuestion = (state === 'available' || state === 'pending') && verdict !== 'accept';
  const rows = all
    .filter(({ outcome }) => !isInQuestion || outcome !== 'accept')
    .map(({ rule, outcome, reason }) => ({
      cells: [`  ${color(outcome, output.paint)}`, rule, formatTimes(reason)],
    }));
  return table(['  SAYS', 'RULE', 'BECAUSE'], rows, output);
}

function formatSteps(history: readonly Step[], output: Output): string {
  const rows = foldSteps(history, output).map(({ first, last, times, text }) => {
    const again = times === 1 ? '' : ` (and ${times - 1} more, the last on ${time(last)})`;
    return { cells: [`  ${time(first)}`, text + again] };
  });
  return table(['  WHEN', 'WHAT'], rows, output);
}

/** Folds consecutive equal steps into one line, such as a call that EC2 refuses repeatedly. */
function foldSteps(history: readonly Step[], output: Output) {
  const lines: { first: string; last: string; times: number; text: string }[] = [];
  for (const step of history) {
    const reason = step.reason ?? findDecisiveReason(step);
    const text = `${formatStep(step, output)}${reason ? `: ${formatTimes(reason)}` : ''}`;
    const previous = lines.at(-1);
    if (previous?.text === text) Object.assign(previous, { last: step.time, times: previous.times + 1 });
    else lines.push({ first: step.time, last: step.time, times: 1, text });
  }
  return lines;
}

/** Finds the reason of the decisive finding. A person's decision is a separate step. */
function findDecisiveReason({ findings, outcome }: Step): string | undefined {
  return findings?.find((finding) => finding.outcome === outcome && !/^person-/.test(finding.rule))?.reason;
}

/** Formats one step as a sentence. An action of a newer version of linkgate shows its own name. */
function formatStep(step: Step, { paint }: Output): string {
  const { action, outcome, state } = step;
  const actor = actorLabel(step.actor);
  const outcomeText = color(outcome ?? '', paint);
  const stateText = color(state ?? '', paint);
  const stepTexts: Readonly<Record<string, string>> = {
    requested: `${actor} asked to connect`,
    observed: `it was found ${stateText}`,
    decided: `${actor} decided ${outcomeText}`,
    'approval-requested': 'approval was requested',
    reminded: 'approvers were reminded',
    escalated: 'it was escalated',
    expired: 'the deadline passed',
    approved: `${actor} approved it${formatDecisionDetails(step)}`,
    denied: `${actor} denied it${formatDecisionDetails(step)}`,
    applying: `${actor} called EC2 to ${outcomeText} it`,
    applied: `EC2 showed it ${stateText}`,
    refused: actor === 'ec2' ? `EC2 did not ${outcomeText} it` : 'linkgate left it as it is',
    'disconnect-scheduled': `its disconnect was scheduled ${step.disconnectAt && step.disconnectAt > step.time ? `at ${time(step.disconnectAt)}` : 'at once'}`,
    extended: step.disconnectAt
      ? `${actor} extended it until ${time(step.disconnectAt)}`
      : 'its disconnect was cancelled',
    disconnected: `it was disconnected, EC2 showed it ${stateText}`,
    grandfathered: `${actor} grandfathered it`,
    'expiry-warned': 'people were warned that its permission expires',
    deleted: 'EC2 no longer lists it',
  };
  return stepTexts[action] ?? `${actor} ${action} ${outcomeText}`.trimEnd();
}

const effectTexts = { allow: 'allowed', block: 'blocked' };

/** Formats the allowlist change and the ticket of a person's decision. */
function formatDecisionDetails({ ticket, entry }: Step): string {
  const until = entry?.expiresAt ? ` until ${time(entry.expiresAt)}` : '';
  const also = entry ? ` and ${effectTexts[entry.effect]} its account${until}` : '';
  return `${also}${ticket ? ` (ticket ${ticket})` : ''}`;
}
