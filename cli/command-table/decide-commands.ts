import { connectionStates } from '../../lib/privatelink/connection.ts';
import type { GroupedEntry } from '../command-entry.ts';
import { listConnections } from '../commands/connections.ts';
import { sendDecision } from '../commands/decision.ts';
import { explainConnection } from '../commands/explain.ts';
import { lockDownAccount } from '../commands/lockdown.ts';
import { extendConnection, revokeConnections } from '../commands/revocation.ts';
import { expiryText, parseExpiryOption } from '../expiry.ts';
import * as take from '../options.ts';

/** Commands for a single connection or request. */
export const decideCommands: readonly GroupedEntry[] = [
  {
    name: 'connections',
    run: listConnections,
    summary: "list the connections as EC2 shows them now, beside linkgate's verdicts",
    options: [
      take.serviceOption,
      take.accountOption,
      take.option('--state <state>', 'only connections in this state in EC2', connectionStates),
      take.option('--waiting', 'only what a person may decide: open requests, and connections under review'),
      take.option('--drifted', 'only where EC2 differs from the verdict'),
    ],
    example: 'linkgate connections --service payments --waiting',
  },
  {
    name: 'explain',
    run: explainConnection,
    summary: 'show one connection: the request, the finding of each rule, the verdict and the history',
    arguments: [take.endpointArgument],
    example: 'linkgate explain vpce-0123456789abcdef0',
  },
  {
    name: 'approve',
    run: sendDecision('approve'),
    summary: 'approve an open request',
    arguments: [take.endpointArgument],
    options: [take.ticketOption, take.reasonOption],
    example: 'linkgate approve vpce-0123456789abcdef0 --reason "contract 4711"',
  },
  {
    name: 'deny',
    run: sendDecision('deny'),
    summary: 'deny an open request',
    arguments: [take.endpointArgument],
    options: [take.requiredReasonOption, take.ticketOption, take.customerMessageOption],
    example: 'linkgate deny vpce-0123456789abcdef0 --reason "no contract"',
  },
  {
    name: 'revoke',
    run: revokeConnections,
    summary: 'disconnect one connection, or all of an account, after the grace period of the service',
    arguments: [take.optionalEndpointArgument],
    options: [
      take.accountOption,
      take.serviceOption,
      take.reasonOption,
      take.option('--now', 'without a grace period'),
      take.customerMessageOption,
      take.yesOption,
    ],
    example: 'linkgate revoke vpce-0123456789abcdef0 --reason "contract ended"',
    notes: `Name an endpoint or --account, one of them. With --account the command lists the connections and asks.
An account that is still allowed may connect again with a new endpoint. To keep it out: linkgate block or linkgate allowlist remove.`,
  },
  {
    name: 'extend',
    run: extendConnection,
    summary: 'postpone a scheduled disconnect',
    arguments: [take.endpointArgument],
    options: [
      take.required(take.option('--until <when>', expiryText, parseExpiryOption)),
      take.requiredReasonOption,
    ],
    example: 'linkgate extend vpce-0123456789abcdef0 --until 14d --reason "the customer migrates"',
    notes: 'Where a block is the cause, remove the block instead: linkgate allowlist remove.',
  },
  {
    name: 'lockdown',
    run: lockDownAccount,
    summary:
      'block an account at every service, disconnect all of its connections, and wait until EC2 shows it',
    arguments: [take.accountArgument],
    options: [
      take.option('--reason <text>', 'why; it becomes the note of the block'),
      take.yesOption,
      take.waitOption,
    ],
    example: 'linkgate lockdown 222222222222 --reason "credentials leaked"',
    notes: `The block stays until somebody removes it: linkgate allowlist remove <accountId> --service '*'. Removing it restores no
connection: the consumer has to create new endpoints. A paused service disconnects nothing, and nor does the mode observe.
Exits with 1 when EC2 does not show everything rejected in time.`,
  },
];
