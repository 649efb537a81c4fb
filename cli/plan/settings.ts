import { durationOf } from '../policy-file/duration.ts';
import { dateOf, personOf } from '../policy-file/values.ts';
import type { Change } from './views.ts';

/** The changed settings, by the names in the file: `expires: 2027-01-31 → 2027-06-30`. An added or removed object shows all but its name. */
export function settingsOf({ before, after, action }: Pick<Change, 'before' | 'after' | 'action'>): string[] {
  const only = action === 'remove' ? before : action === 'add' ? after : undefined;
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names.flatMap((name) => {
    const [was, is] = [wordsOf(name, before?.[name]), wordsOf(name, after?.[name])];
    if (only)
      return only[name] === undefined || name === 'name'
        ? []
        : `${called(name)}: ${wordsOf(name, only[name])}`;
    return was === is ? [] : `${called(name)}: ${was} → ${is}`;
  });
}

const names: Readonly<Record<string, string>> = {
  deadlineSeconds: 'deadline',
  graceSeconds: 'grace',
  endpointIds: 'endpoints',
  expiresAt: 'expires',
  contractEndsAt: 'contractEnds',
  slackChannel: 'slack.channel',
  slackUsers: 'slack.users',
};

function called(name: string): string {
  return names[name] ?? name;
}

/** More would hide what else there is. */
const longestList = 10;

function wordsOf(name: string, value: unknown): string {
  if (value === undefined || value === null) return '(nothing)';
  if (Array.isArray(value)) return listOf(value.map((each) => wordsOf('', each)).sort());
  if (typeof value === 'object') return Object.values(value).join(':');
  if (typeof value === 'number' && name.endsWith('Seconds')) return durationOf(value);
  return name.endsWith('At') ? dateOf(String(value)) : personOf(String(value));
}

function listOf(words: readonly string[]): string {
  if (words.length === 0) return '(none)';
  const more = words.length - longestList;
  return words.slice(0, longestList).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
