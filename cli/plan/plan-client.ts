import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { readAllPages } from '../api-client.ts';
import { CommandError } from '../command-error.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Policy } from '../policy-file/write-policy-file.ts';
import type { Session } from '../session.ts';
import {
  type Apply,
  ApplyResponse,
  type Change,
  type ChangedVerdict,
  ChangePage,
  EffectPage,
  type Plan,
  PlanResponse,
  PolicyPage,
  SimulationPage,
} from './plan-views.ts';
import { listUnmanagedChanges, type PlanReport } from './report.ts';

/** Creates a plan, and reads its changes and its impact on the current connections. */
export async function plan(
  file: string,
  document: PolicyDocument,
  options: PlanOptions,
  session: Session,
): Promise<PlanReport> {
  const { api, progress } = session;
  progress.report('comparing the policy with the table');
  const { plan: createdPlan, warnings } = await createPlan(document, options, session);
  const path = ['plans', createdPlan.planId];
  const changes = await readAllPages(api, [...path, 'changes'], ChangePage, (page) => page.changes);
  let looked = 0;
  const effects = await readAllPages(api, [...path, 'impact'], EffectPage, (page) => {
    looked += page.looked;
    progress.report(`looking what it would do to connections: ${looked} looked at`);
    return page.effects;
  });
  const customers = mapPlannedCustomers(changes);
  return {
    file,
    plan: createdPlan,
    warnings: warnings ?? [],
    changes: changes.map((change) =>
      change.kind === 'entry' ? withCustomer(change, change.name, customers) : change,
    ),
    effects: effects.map((effect) => withCustomer(effect, effect.ownerAccountId, customers)),
  };
}

/** Maps the customers that the plan adds or changes by account, because the API returns only stored ones. */
function mapPlannedCustomers(changes: readonly Change[]): ReadonlyMap<string, string> {
  const listAccounts = ({ after }: Change) =>
    Array.isArray(after?.accounts) ? after.accounts.map(String) : [];
  return new Map(
    changes
      .filter(({ kind }) => kind === 'customer')
      .flatMap((change) => listAccounts(change).map((accountId) => [accountId, change.name] as const)),
  );
}

function withCustomer<Row extends { readonly customer?: string | null | undefined }>(
  row: Row,
  accountId: string,
  customers: ReadonlyMap<string, string>,
): Row {
  const customer = row.customer ?? customers.get(accountId);
  return customer === undefined ? row : { ...row, customer };
}

/** The options of a plan that only a person can set. */
interface PlanOptions {
  readonly takeOwnership?: true | undefined;
  readonly allowRemovals?: true | undefined;
}

async function createPlan(
  document: PolicyDocument,
  { takeOwnership, allowRemovals }: PlanOptions,
  { api }: Session,
) {
  try {
    const body = {
      document,
      ...(takeOwnership && { takeOwnership }),
      ...(allowRemovals && { allowRemovals }),
    };
    const response = await api.call('POST', ['plans'], PlanResponse, { body });
    api.warn(response.warnings);
    return response;
  } catch (error) {
    // The arguments are valid, so the file is wrong.
    if (error instanceof CommandError && error.exitCode === exitCodes.usageError)
      throw new CommandError('failed', error.message, { code: error.code, cause: error });
    throw error;
  }
}

/** Applies a plan, in as many calls as it needs. */
export async function apply({ planId }: Plan, { api, progress, output }: Session): Promise<Apply> {
  for (;;) {
    const { apply: applyState, warnings } = await api.call('POST', ['plans', planId, 'apply'], ApplyResponse);
    output.warn(warnings);
    if (applyState.status === 'done') return applyState;
    progress.report(`${applyState.done} of ${applyState.of} changes are made`);
  }
}

export interface Simulation {
  /** The number of changes in the file, all of which the simulation applies. */
  readonly changes: readonly Change[];
  readonly requests: readonly ChangedVerdict[];
  readonly looked: number;
}

/** Lists the requests of the last 90 days that the policy would decide differently. */
export async function simulate(document: PolicyDocument, session: Session): Promise<Simulation> {
  const { api, progress } = session;
  // The simulation never applies this plan, so any number of removals is safe.
  const planResponse = await createPlan(document, { allowRemovals: true }, session);
  const { planId } = planResponse.plan;
  const changes = await readAllPages(api, ['plans', planId, 'changes'], ChangePage, (page) => page.changes);
  printUnmanagedChanges(changes, session);
  let looked = 0;
  const requests = await readAllPages(api, ['plans', planId, 'simulation'], SimulationPage, (page) => {
    looked += page.looked;
    progress.report(`running the policy over recorded requests: ${looked} looked at`);
    return page.requests;
  });
  return { changes, requests: requests.toSorted((a, b) => byTime(a.requestedAt, b.requestedAt)), looked };
}

function byTime(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

const longestList = 10;

function printUnmanagedChanges(changes: readonly Change[], { output }: Session): void {
  const names = listUnmanagedChanges(changes);
  if (names.length === 0) return;
  const more = names.length - longestList;
  output.say(
    [
      'Managed by somebody else, and simulated as they are, not as the file has them:',
      ...names.slice(0, longestList).map((name) => `    ${name}`),
      ...(more > 0 ? [`    … and ${more} more: \`linkgate plan\` shows them all`] : []),
      '',
    ].join('\n'),
  );
}

/** Reads the whole policy of the table. */
export async function readStoredPolicy({ api }: Session): Promise<Policy> {
  const pages = await readAllPages(api, ['policy'], PolicyPage, (page) => [page.document]);
  return {
    groups: pages.flatMap(({ groups }) =>
      groups.map(({ managedBy, ...definition }) => ({ definition, managedBy })),
    ),
    services: pages.flatMap(({ services }) =>
      services.map(({ managedBy, ...definition }) => ({ definition, managedBy })),
    ),
    customers: pages.flatMap(({ customers }) =>
      customers.map(({ managedBy, ...definition }) => ({ definition, managedBy })),
    ),
    entries: pages.flatMap(({ entries }) =>
      entries.map(({ managedBy, ...definition }) => ({ definition, managedBy })),
    ),
  };
}
