import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { unmarkControls } from '../control-characters.ts';
import { accountLabel, color, type Output, time } from '../output.ts';
import { formatPlanMarkdown } from '../plan/markdown.ts';
import { applyPlan, createPlanReport, type Simulation, simulate } from '../plan/plan-client.ts';
import { hasChanges } from '../plan/report.ts';
import { formatPlanText } from '../plan/text.ts';
import { policyFileSchemaText } from '../policy-file/json-schema.ts';
import { readPolicyFile } from '../policy-file/read-policy-file.ts';
import type { Session } from '../session.ts';

interface FileOptions {
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
  readonly json?: true;
}

export async function planPolicy(session: Session, options: PlanOptions) {
  const { document } = await readDocument(options, session);
  const report = await createPlanReport(document, options, session);
  const text = options.markdown ? formatPlanMarkdown(report) : formatPlanText(report, session.output);
  session.output.result(report, text);
  // The plan has printed this already.
  if (options.exitCode && hasChanges(report.plan.summary)) throw new CommandError('checkFailed', '');
}

export async function applyPolicy(session: Session, options: ApplyOptions) {
  const { document, stage } = await readDocument(options, session);
  const report = await createPlanReport(document, options, session);
  const { output, io } = session;
  const { summary, running, interrupted } = report.plan;
  const text = formatPlanText(report, output);
  if (!hasChanges(summary) && !running && !interrupted) return output.result(report, `${text}\n\nno changes`);
  if (!options.json) io.stdout.write(`${text}\n\n`);
  await confirm(`This changes what linkgate decides at ${stage}. Apply it?`, options, session);
  const apply = await applyPlan(report.plan, session);
  output.result({ ...report, apply }, `done: ${apply.done} of ${apply.of} changes are made`);
}

export async function simulatePolicy(session: Session, options: FileOptions) {
  const { document } = await readDocument(options, session);
  const simulation = await simulate(document, session);
  session.output.result(simulation, formatSimulation(simulation, session.output));
}

/** Validates the file before it looks for the deployment. */
async function readDocument(
  { file }: FileOptions,
  { connect }: Session,
): Promise<{ readonly document: PolicyDocument; readonly stage: string }> {
  const policy = readPolicyFile(unmarkControls(file));
  const { stage } = await connect();
  return { document: policy.resolveDocument(stage), stage };
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

export function printSchema({ io }: Session) {
  io.stdout.write(policyFileSchemaText());
}
