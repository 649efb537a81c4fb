import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import { confirm } from '../confirm.ts';
import { unmarkControls } from '../control-characters.ts';
import { type CommonOptions, command } from '../options.ts';
import { color, type Output, time } from '../output.ts';
import { planMarkdown } from '../plan/markdown.ts';
import { apply, plan, type Simulation, simulate } from '../plan/plan-client.ts';
import { hasChanges } from '../plan/report.ts';
import { planText } from '../plan/text.ts';
import { policyFileSchemaText } from '../policy-file/json-schema.ts';
import { readPolicyFile } from '../policy-file/read.ts';
import type { Io } from '../process-io.ts';
import type { OpenSession } from '../session.ts';

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

/** What is done with a policy file. */
export function policyCommands(open: OpenSession, world: Io): readonly Command[] {
  return [planCommand(open), applyCommand(open, world), simulateCommand(open), schemaCommand(world)];
}

function fileCommand(name: string, description: string): Command {
  return command(name, description).requiredOption(
    '-f, --file <file>',
    'the policy file, with all that it includes',
  );
}

/** Of which the table is to become what the file says. */
function changeCommand(name: string, description: string): Command {
  return fileCommand(name, description)
    .option('--take-ownership', 'adopt what people or other systems manage and the file declares')
    .option(
      '--allow-removals',
      'also where it removes more than five things, and more than a third of all that the file manages',
    );
}

function planCommand(open: OpenSession): Command {
  return changeCommand('plan', 'what a policy file would change, and what that would do to connections today')
    .option('--exit-code', 'exit with 3 where there are changes')
    .option('--markdown', 'for the comment of a pull request')
    .action(async ({ file, takeOwnership, allowRemovals, exitCode, markdown, ...common }: PlanOptions) => {
      const policy = readPolicyFile(unmarkControls(file));
      const session = await open(common);
      const planned = await plan(
        file,
        policy.documentAt(session.stage),
        { adopt: takeOwnership, allowRemovals },
        session,
      );
      const text = markdown ? planMarkdown(planned) : planText(planned, session.output);
      session.output.result(planned, text);
      // The plan has said it.
      if (exitCode && hasChanges(planned.plan.summary)) throw new CommandError('checkFailed', '');
    });
}

function applyCommand(open: OpenSession, world: Io): Command {
  return changeCommand('apply', 'show the plan, ask, and bring the table to what a policy file says')
    .option('--yes', 'do not ask')
    .action(async ({ file, takeOwnership, allowRemovals, yes, ...common }: ApplyOptions) => {
      const policy = readPolicyFile(unmarkControls(file));
      const session = await open(common);
      const { output, stage } = session;
      const planned = await plan(
        file,
        policy.documentAt(stage),
        { adopt: takeOwnership, allowRemovals },
        session,
      );
      const { summary, running, interrupted } = planned.plan;
      if (!hasChanges(summary) && !running && !interrupted)
        return output.result(planned, `${planText(planned, output)}\n\nthere is nothing to do`);
      if (!common.json) world.stdout.write(`${planText(planned, output)}\n\n`);
      session.progress.doing('');
      await confirm(`This changes what linkgate decides at ${stage}. Apply it?`, { yes }, world);
      const applied = await apply(planned.plan, session);
      output.result(
        { ...planned, apply: applied },
        `done: ${applied.done} of ${applied.of} changes are made`,
      );
    });
}

function simulateCommand(open: OpenSession): Command {
  return fileCommand(
    'simulate',
    'run a policy file over the recorded requests of the last 90 days: which would it have decided otherwise?',
  ).action(async ({ file, ...common }: FileOptions) => {
    const policy = readPolicyFile(unmarkControls(file));
    const session = await open(common);
    const simulation = await simulate(policy.documentAt(session.stage), session);
    session.output.result(simulation, simulated(simulation, session.output));
  });
}

function simulated({ requests, looked }: Simulation, { paint }: Output): string {
  const count = looked === 1 ? 'one request' : `${looked} requests`;
  if (requests.length === 0) return `${count} of the last 90 days: each would have been decided as it was`;
  const told = requests.flatMap(
    ({ endpointId, ownerAccountId, service, requestedAt, was, would, reason }) => [
      `${endpointId} of ${ownerAccountId} at ${service}, asked on ${time(requestedAt)}`,
      `    was ${color(was, paint)}, would be ${color(would, paint)}: ${reason}`,
    ],
  );
  return [
    ...told,
    '',
    `${count} of the last 90 days: ${requests.length} would have been decided otherwise`,
  ].join('\n');
}

function schemaCommand(world: Io): Command {
  return command(
    'schema',
    'the JSON Schema of policy files, by which editors complete and explain; needs no linkgate to talk to',
  ).action(() => {
    world.stdout.write(policyFileSchemaText());
  });
}
