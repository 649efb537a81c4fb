import { Argument } from 'commander';
import type { GroupedEntry } from '../command-entry.ts';
import { verifyAudit } from '../commands/audit.ts';
import { runDoctor } from '../commands/doctor.ts';
import { removeItem } from '../commands/item.ts';
import { showOrSetMode } from '../commands/mode.ts';
import { setOperations, showOperations } from '../commands/operations.ts';
import { pauseService, resumeService } from '../commands/pause.ts';
import { setUp } from '../commands/setup.ts';
import { connectSlack, printManifest } from '../commands/slack.ts';
import { sweepConnections } from '../commands/sweep.ts';
import * as take from '../options.ts';

/** Commands for the deployment. */
export const operateCommands: readonly GroupedEntry[] = [
  {
    name: 'setup',
    run: setUp,
    summary: 'create what linkgate needs beside its stack, once after the first deployment',
    example: 'linkgate setup',
  },
  {
    name: 'doctor',
    run: runDoctor,
    summary:
      'check the deployment, its permissions and queues and each service, with a remedy for each failed check',
    options: [take.option('--all', 'one line for each check, passed checks too')],
    example: 'linkgate doctor',
  },
  {
    name: 'mode',
    run: showOrSetMode,
    summary: 'show the mode, or switch it: the kill switch of the deployment',
    arguments: [
      () =>
        new Argument(
          '[mode]',
          'observe: change nothing in EC2; enforce: decide everything anew and apply it',
        ).choices(['enforce', 'observe']),
    ],
    options: [take.option('--reason <text>', 'why, for whoever reads it later')],
    example: 'linkgate mode observe --reason "incident 4711"',
  },
  {
    name: 'operations set',
    run: setOperations,
    summary: 'name who gets operations notices; who is not named again gets none',
    options: [take.slackChannelOption, take.emailOption],
    example: 'linkgate operations set --slack-channel C0123456789 --email on-call@example.com',
    notes: `linkgate notifies of a change of the mode and of a lockdown. It posts one message about each change in the Slack
channel, and publishes it to the operations topic. An address gets it once its reader has confirmed the subscription that SNS sends first.`,
  },
  {
    name: 'operations show',
    run: showOperations,
    summary: 'show who gets operations notices',
    example: 'linkgate operations show',
  },
  {
    name: 'pause',
    run: pauseService,
    summary: 'hold every request to a service, and disconnect nothing from it',
    arguments: [take.serviceArgument],
    options: [take.option('--reason <text>', 'why, for whoever waits')],
    example: 'linkgate pause payments --reason "incident 4711"',
  },
  {
    name: 'resume',
    run: resumeService,
    summary: 'decide the requests to a paused service, and carry out its scheduled disconnects',
    arguments: [take.serviceArgument],
    options: [take.yesOption],
    example: 'linkgate resume payments',
  },
  {
    name: 'sweep connections',
    run: sweepConnections,
    summary: 'compare every connection in EC2 with its record now, and repair what differs',
    example: 'linkgate sweep connections',
  },
  {
    name: 'audit verify',
    run: verifyAudit,
    summary: 'verify that every audit entry is as it was written, and that none is missing',
    options: [
      take.conflicting(
        take.option('--endpoint <endpointId>', 'only this endpoint', take.parseEndpoint),
        'service',
      ),
      take.serviceOption,
    ],
    example: 'linkgate audit verify',
  },
  {
    name: 'slack manifest',
    run: printManifest,
    summary: 'print the manifest of the Slack app (Slack: Create New App, From a manifest)',
    example: 'linkgate slack manifest',
    notes: 'The manifest is JSON, with --json or without. It contains the address of this deployment.',
  },
  {
    name: 'slack connect',
    run: connectSlack,
    summary: 'store or rotate the secrets of the Slack app',
    options: [
      take.option('--forget-previous', 'no longer accept the previous secrets; alone, or with new secrets'),
    ],
    example: 'linkgate slack connect < secrets.txt',
    notes: `Reads the signing secret (Basic Information) and the bot token (OAuth & Permissions, xoxb-…) from standard input: a line for
each, in either order, or one of them alone. In a terminal it asks for them and does not show them. From a secrets manager:
  op read op://team/slack/bot-token | linkgate slack connect
linkgate asks Slack whether it takes the token before it stores anything. It accepts the previous secrets until the next
rotation, so that no request is lost while Slack and linkgate differ. After a leak, store the new secret with
--forget-previous: within five minutes no function accepts the old one.`,
  },
  {
    name: 'item remove',
    run: removeItem,
    summary: 'remove an item of the table that linkgate cannot read and `linkgate doctor` names',
    arguments: [
      () => new Argument('<partition>', 'its partition key'),
      () => new Argument('<key>', 'its sort key'),
    ],
    example: 'linkgate item remove SERVICE vpce-svc-0123456789abcdef0',
  },
];
