import type { Impact } from '../../lib/policy-as-code/impact.ts';
import { accountLabel, serviceLabel, shortActor, time } from '../output.ts';
import { settingsOf } from './settings.ts';
import type { Change, Effect, Plan } from './views.ts';

/** A plan with its changes and its impact. */
export interface Planned {
  /** As it was named on the command line. */
  readonly file: string;
  readonly plan: Plan;
  /** Valid in the file, but hardly intended. */
  readonly warnings: readonly string[];
  readonly changes: readonly Change[];
  readonly effects: readonly Effect[];
}

/** `+` is added, `-` is removed, `~` is changed. */
export type ChangeSymbol = '+' | '-' | '~' | ' ';

export interface Line {
  readonly sign: ChangeSymbol;
  readonly text: string;
  readonly details: readonly string[];
}

export interface Section {
  readonly title: string;
  readonly lines: readonly Line[];
}

const kinds: Readonly<Record<string, string>> = {
  group: 'Approvers',
  service: 'Services',
  customer: 'Customers',
  entry: 'Allowlist',
  principal: 'Allowed principals in AWS',
};

const signs: Readonly<Record<string, ChangeSymbol>> = { add: '+', remove: '-', change: '~', adopt: '~' };

/** The file, and the deployment that it applies to. */
export function headerOf({ file, plan: { stage, accountId, region } }: Planned): string {
  return `${file} at the stage ${stage}, account ${accountId}, Region ${region}`;
}

/** The changes that an apply makes in the table, by kind. */
export function changeSections(changes: readonly Change[]): readonly Section[] {
  const made = changes.filter(({ action }) => action in signs);
  const byKind = Map.groupBy(made, ({ kind }) => kind);
  return Object.entries(kinds).flatMap(([kind, title]) => {
    const lines = byKind.get(kind)?.map(lineOf) ?? [];
    return lines.length > 0 ? [{ title, lines }] : [];
  });
}

function lineOf(change: Change): Line {
  const { action, managedBy, changedBy, note } = change;
  const from = action === 'adopt' ? [`taken over from ${managerOf({ managedBy, changedBy })}`] : [];
  return {
    sign: signs[action] ?? ' ',
    text: nameOf(change),
    details: [...settingsOf(change), ...from, ...(note ? [note] : [])],
  };
}

function nameOf({ kind, name, service, serviceId, customer }: Change): string {
  if (kind === 'service') return serviceId ? serviceLabel({ service: name, serviceId }) : name;
  if (kind !== 'entry' && kind !== 'principal') return name;
  const account = kind === 'entry' ? accountLabel(name, customer) : name;
  return `${account} at ${service === '*' ? 'every service' : service}`;
}

/** Objects managed by somebody else. They do not change, whatever the file says. */
export function otherSections(changes: readonly Change[]): readonly Section[] {
  const others = changes.filter(({ action }) => !(action in signs));
  const conflicts = others.filter(({ action }) => action === 'conflict');
  const left = others.filter(({ action, kind }) => action === 'left' && kind !== 'principal');
  const principals = others.filter(({ kind }) => kind === 'principal');
  return [
    {
      title: 'Differs from the file, not changed: managed by somebody else (--take-ownership adopts it)',
      lines: conflicts.map(otherLine),
    },
    {
      title: 'Not changed: managed by somebody else',
      lines: left.map((change) => ({ ...otherLine(change), details: notesOf(change) })),
    },
    {
      title: 'Only reported: how the allowed principals in AWS differ (`principals: managed` corrects them)',
      lines: principals.map((change) => ({
        sign: ' ' as const,
        text: nameOf(change),
        details: notesOf(change),
      })),
    },
  ].filter(({ lines }) => lines.length > 0);
}

/** A line for each object managed by somebody else, conflicts with the file first. */
export function unmanagedChanges(changes: readonly Change[]): readonly string[] {
  const others = changes.filter(({ action, kind }) => !(action in signs) && kind !== 'principal');
  return others.toSorted((a, b) => a.action.localeCompare(b.action)).map(otherName);
}

function otherName(change: Change): string {
  return `${kinds[change.kind] ?? change.kind}: ${nameOf(change)} (${managerOf(change)})`;
}

function otherLine(change: Change): Line {
  return {
    sign: ' ',
    text: otherName(change),
    details: [...settingsOf(change), ...notesOf(change)],
  };
}

function notesOf({ note }: Change): readonly string[] {
  return note ? [note] : [];
}

function managerOf({ managedBy, changedBy }: Pick<Change, 'managedBy' | 'changedBy'>): string {
  const who = managedBy === 'api' ? 'another system' : managedBy === 'file' ? 'the file' : 'a person';
  return changedBy ? `${who}, ${shortActor(changedBy)}` : who;
}

interface EffectTexts {
  readonly title: string;
  readonly sum: string;
}

const knownEffects: Readonly<Record<Impact['effect'], EffectTexts>> = {
  disconnect: { title: 'would be disconnected at once', sum: 'disconnected at once' },
  'disconnect-later': {
    title: 'would be disconnected after their grace period',
    sum: 'disconnected after a grace period',
  },
  reject: { title: 'would be rejected', sum: 'rejected' },
  ask: { title: 'would be left to people', sum: 'left to people' },
  accept: { title: 'would be accepted', sum: 'accepted' },
  hold: { title: 'would be held', sum: 'held' },
  stays: { title: 'would stay after all', sum: 'to stay after all' },
};
const effects: Readonly<Record<string, EffectTexts>> = knownEffects;

/** The impact on the connections of today. */
export function effectSections(all: readonly Effect[]): readonly Section[] {
  const byEffect = Map.groupBy(all, ({ effect }) => effect);
  return Object.entries(effects).flatMap(([effect, { title }]) => {
    const lines = (byEffect.get(effect) ?? []).map(
      ({ endpointId, ownerAccountId, customer, service, state, reason, at }) => ({
        sign: ' ' as const,
        text: `${endpointId} of ${accountLabel(ownerAccountId, customer)} at ${service}, ${state}${at ? `: at ${time(at)}` : ''}`,
        details: reason === '' ? [] : [reason],
      }),
    );
    return lines.length > 0 ? [{ title: `These ${title}`, lines }] : [];
  });
}

/** `Plan: 3 to add, 1 to change, 2 to remove; connections: 1 disconnected at once` */
export function summaryOf({ plan: { summary }, effects: all }: Planned): string {
  const { add, change, remove, conflicts } = summary;
  const counts = [...Map.groupBy(all, ({ effect }) => effect)].map(
    ([effect, each]) => `${each.length} ${effects[effect]?.sum ?? effect}`,
  );
  const changes = hasChanges(summary)
    ? `${add} to add, ${change} to change, ${remove} to remove`
    : 'nothing to change';
  const others = conflicts > 0 ? `; ${conflicts} not changed, managed by somebody else` : '';
  return `Plan: ${changes}${others}; connections: ${counts.join(', ') || 'nothing changes for them'}`;
}

export function hasChanges({ add, change, remove }: Plan['summary']): boolean {
  return add + change + remove > 0;
}

/** The state of an apply that still runs or was interrupted. */
export function interruptedText({ plan: { running, interrupted } }: Planned): string | undefined {
  if (running) {
    const { by, at, done, of, leaseUntil } = running;
    return `An apply by ${shortActor(by)} runs since ${time(at)}; ${done} of its ${of} changes are made. No other is begun before it is done; if it broke off, after ${time(leaseUntil)}.`;
  }
  if (!interrupted) return undefined;
  const { by, at, done, of } = interrupted;
  return `An apply by ${shortActor(by)} that began on ${time(at)} broke off when ${done} of its ${of} changes were made. What is missing of it is in this plan as far as the file still wants it; applying finishes it.`;
}
