import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { unmarkControls } from '../control-characters.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { accountLabel, color, type Output, time } from '../output.ts';
import { formatPlanMarkdown } from '../plan/markdown.ts';
import { apply, plan, type Simulation, simulate } from '../plan/plan-client.ts';
import { hasChanges } from '../plan/report.ts';
import { formatPlanText } from '../plan/text.ts';
import { policyFileSchemaText } from '../policy-file/json-schema.ts';
import { readPolicyFile } from '../policy-file/read-policy-file.ts';

interface FileOptions extends CommonOptions {
  readonly file: string;
}

interface ChangeOptions extends FileOptions {
  readonly takeOwnership?: true;
  readonly allowRemovals?: true;
}

interface PlanOptions extends ChangeOptions {
  readonly exitCode?: true;
  readonly markdown?: true;
}

interface ApplyOptions extends ChangeOptions {
  readonly yes?: true;
}

export function planPolicy({ open }: HandlerDeps) {
  return async ({ file, takeOwnership, allowRemovals, exitCode, markdown, ...common }: PlanOptions) => {
    const policy = readPolicyFile(unmarkControls(file));
    const session = await open(common);
    const planned = await plan(
      file,
      policy.resolveDocument(session.stage),
      { takeOwnership, allowRemovals },
      session,
    );
    const text = markdown ? formatPlanMarkdown(planned) : formatPlanText(planned, session.output);
    session.output.result(planned, text);
    // The plan has printed this already.
    if (exitCode && hasChanges(planned.plan.summary)) throw new CommandError('checkFailed', '');
  };
}

export function applyPolicy({ open, io }: HandlerDeps) {
  return async ({ file, takeOwnership, allowRemovals, yes, ...common }: ApplyOptions) => {
    const policy = readPolicyFile(unmarkControls(file));
    const session = await open(common);
    const { output, stage } = session;
    const planned = await plan(
      file,
      policy.resolveDocument(stage),
      { takeOwnership, allowRemovals },
      session,
    );
    const { summary, running, interrupted } = planned.plan;
    if (!hasChanges(summary) && !running && !interrupted)
      return output.result(planned, `${formatPlanText(planned, output)}\n\nno changes`);
    if (!common.json) io.stdout.write(`${formatPlanText(planned, output)}\n\n`);
    session.progress.report('');
    await confirm(`This changes what linkgate decides at ${stage}. Apply it?`, { yes }, io);
    const applied = await apply(planned.plan, session);
    output.result({ ...planned, apply: applied }, `done: ${applied.done} of ${applied.of} changes are made`);
  };
}

export function simulatePolicy({ open }: HandlerDeps) {
  return async ({ file, ...common }: FileOptions) => {
    const policy = readPolicyFile(unmarkControls(file));
    const session = await open(common);
    const simulation = await simulate(policy.resolveDocument(session.stage), session);
    session.output.result(simulation, formatSimulation(simulation, session.output));
  };
}

function formatSimulation({ requests, looked }: Simulation, { paint }: Output): string {
  const count = looked === 1 ? 'one request' : `${looked} requests`;
  if (requests.length === 0) return `${count} of the last 90 days: each would have been decided as it was`;
  const blocks = requests.flatMap(
    ({ endpointId, ownerAccountId, customer, service, requestedAt, was, would, reason }) => [
      `${endpointId} of ${accountLabel(ownerAccountId, customer)} at ${service}, asked on ${time(requestedAt)}`,
      `    was ${color(was, paint)}, would be ${color(would, paint)}: ${reason}`,
    ],
  );
  return [
    ...blocks,
    '',
    `${count} of the last 90 days: ${requests.length} would have been decided otherwise`,
  ].join('\n');
}

export function printSchema({ io }: HandlerDeps) {
  return () => {
    io.stdout.write(policyFileSchemaText());
  };
}
