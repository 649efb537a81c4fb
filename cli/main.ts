import { Command, CommanderError } from 'commander';
import { CommandError, exitCodes } from './command-error.ts';
import { allowlistCommands } from './commands/allowlist.ts';
import { approversCommand } from './commands/approvers.ts';
import { auditCommand } from './commands/audit.ts';
import { connectionsCommand } from './commands/connections.ts';
import { customerCommand } from './commands/customer.ts';
import { decisionCommands } from './commands/decision.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { exportCommand } from './commands/export.ts';
import { itemCommand } from './commands/item.ts';
import { lockdownCommand } from './commands/lockdown.ts';
import { modeCommand } from './commands/mode.ts';
import { pauseCommands } from './commands/pause.ts';
import { policyCommands } from './commands/policy.ts';
import { revocationCommands } from './commands/revocation.ts';
import { serviceCommand } from './commands/service.ts';
import { setupCommand } from './commands/setup.ts';
import { slackCommand } from './commands/slack.ts';
import { sweepCommand } from './commands/sweep.ts';
import { markControls } from './control-characters.ts';
import { type Io, processIo, withSafeTerminals } from './process-io.ts';
import { progressOn } from './progress.ts';
import { createSessions, type OpenSession } from './session.ts';
import { version } from './version.ts';

/** @returns the exit code */
export async function main(argv: readonly string[], outside: Io = processIo): Promise<number> {
  const world = withSafeTerminals(outside);
  const progress = progressOn(world);
  try {
    await settled(program(createSessions(world, progress), world), world).parseAsync(argv.map(markControls), {
      from: 'user',
    });
    return 0;
  } catch (error) {
    // Commander has told its own errors already; it throws for `--help`, too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.calledWrongly;
    const isExpected = error instanceof CommandError;
    const told = isExpected ? error.message : unexpected(error);
    if (told) world.stderr.write(`error: ${told}\n`);
    return isExpected ? error.exitCode : exitCodes.failed;
  } finally {
    progress.end();
  }
}

/** With the lines of its stack alone, whatever its message is. */
function unexpected(error: unknown): string {
  if (!(error instanceof Error)) return markControls(String(error));
  const { message, stack = '' } = error;
  return stack.replace(message, () => markControls(message)) || markControls(message);
}

function program(open: OpenSession, world: Io): Command {
  const linkgate = new Command('linkgate')
    .description(
      'The front door of an AWS PrivateLink endpoint service: who may connect, who waits, who is rejected, and why.',
    )
    .usage('<command> [options]')
    .version(version)
    .addHelpText(
      'after',
      `
Every command takes --json, --region, --stage and --help.
Exit codes: 0 done, 1 failed, 2 called wrongly, 3 done and something is not in order.
Credentials and Region are those of the AWS CLI. For the sandbox of \`npm start\`:
  export AWS_ENDPOINT_URL=http://127.0.0.1:4570`,
    );
  const commands = [
    setupCommand(open),
    serviceCommand(open, world),
    ...allowlistCommands(open),
    connectionsCommand(open),
    explainCommand(open),
    ...decisionCommands(open),
    ...revocationCommands(open, world),
    lockdownCommand(open, world),
    ...policyCommands(open, world),
    exportCommand(open),
    sweepCommand(open),
    modeCommand(open),
    ...pauseCommands(open, world),
    approversCommand(open),
    customerCommand(open),
    slackCommand(open, world),
    auditCommand(open),
    itemCommand(open),
    doctorCommand(open),
  ];
  for (const command of commands) linkgate.addCommand(command);
  return linkgate;
}

/** Commander passes its settings on only to commands that it makes itself. */
function settled(command: Command, world: Io, path = command.name()): Command {
  command
    .exitOverride()
    .showHelpAfterError(`see \`${path} --help\``)
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
      getOutHelpWidth: () => world.stdout.columns || 80,
      getErrHelpWidth: () => world.stderr.columns || 80,
    });
  for (const each of command.commands) settled(each, world, `${path} ${each.name()}`);
  return command;
}
