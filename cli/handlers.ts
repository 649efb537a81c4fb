import type { CommandName } from './command-table.ts';
import * as allowlist from './commands/allowlist.ts';
import * as approvers from './commands/approvers.ts';
import { verifyAudit } from './commands/audit.ts';
import { listConnections } from './commands/connections.ts';
import * as customer from './commands/customer.ts';
import { approve, deny } from './commands/decision.ts';
import { runDoctor } from './commands/doctor.ts';
import { explainConnection } from './commands/explain.ts';
import { exportPolicy } from './commands/export.ts';
import { removeItem } from './commands/item.ts';
import { lockDownAccount } from './commands/lockdown.ts';
import { showOrSetMode } from './commands/mode.ts';
import * as operations from './commands/operations.ts';
import { pauseService, resumeService } from './commands/pause.ts';
import * as policy from './commands/policy.ts';
import { removeService } from './commands/remove-service.ts';
import { extendConnection, revokeConnections } from './commands/revocation.ts';
import * as service from './commands/service.ts';
import { setUp } from './commands/setup.ts';
import { connectSlack, printManifest } from './commands/slack.ts';
import { sweepConnections } from './commands/sweep.ts';
import type { Handler } from './handler-deps.ts';

export type Handlers = Readonly<Record<CommandName, Handler>>;

export const handlers: Handlers = {
  connections: listConnections,
  explain: explainConnection,
  approve,
  deny,
  revoke: revokeConnections,
  extend: extendConnection,
  lockdown: lockDownAccount,
  'service add': service.addService,
  'service list': service.listServices,
  'service show': service.showService,
  'service remove': removeService,
  allow: allowlist.allowAccount,
  block: allowlist.blockAccount,
  'allowlist list': allowlist.listEntries,
  'allowlist show': allowlist.showEntries,
  'allowlist remove': allowlist.removeEntry,
  'operations set': operations.setOperations,
  'operations show': operations.showOperations,
  'approvers set': approvers.setGroup,
  'approvers list': approvers.listGroups,
  'approvers show': approvers.showGroup,
  'approvers remove': approvers.removeGroup,
  'customer set': customer.setCustomer,
  'customer list': customer.listCustomers,
  'customer show': customer.showCustomer,
  'customer remove': customer.removeCustomer,
  plan: policy.planPolicy,
  apply: policy.applyPolicy,
  simulate: policy.simulatePolicy,
  export: exportPolicy,
  schema: policy.printSchema,
  setup: setUp,
  doctor: runDoctor,
  mode: showOrSetMode,
  pause: pauseService,
  resume: resumeService,
  'sweep connections': sweepConnections,
  'audit verify': verifyAudit,
  'slack manifest': printManifest,
  'slack connect': connectSlack,
  'item remove': removeItem,
};
