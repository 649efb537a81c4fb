import * as v from 'valibot';
import { parseExpiry } from '../../lib/allowlist/parse-expiry.ts';
import { AccountRegion } from '../../lib/locations/account-region.ts';
import { AccountId, EndpointId } from '../../lib/privatelink/connection.ts';
import { instantFormat, missingDay } from '../../lib/values/instant.ts';
import { stageForm, stagePattern } from '../../lib/values/stage.mjs';
import { parseActor, parseSlackUser } from '../parse-actor.ts';
import { durationPattern, parseSeconds } from './duration.ts';

/** Defines an optional field, with a description for editors and an example. */
export function field<const Schema extends v.GenericSchema>(
  schema: Schema,
  description: string,
  example?: unknown,
) {
  return v.exactOptional(
    v.pipe(schema, v.metadata({ description, ...(example !== undefined && { examples: [example] }) })),
  );
}

export function createListSchema<const Schema extends v.GenericSchema>(schema: Schema, longest: number) {
  return v.pipe(
    v.array(schema),
    v.minLength(1, 'a list names at least one: leave it out for none'),
    v.maxLength(longest, `a list has ${longest} at most`),
  );
}

/** YAML parses digits as a number, so only the file has the original text. */
export const Account = v.config(AccountId, {
  message: ({ input }) =>
    typeof input === 'number' ? accountUnquoted : "an account id is 12 digits in quotes, '012345678901'",
});

export const accountUnquoted = 'an account id without quotes is a number in YAML, which loses leading zeros';

/** Explains the remedy, which depends on the literal text in the file. */
export function explainUnquotedAccount(literal: string): string {
  return /^\d{12}$/.test(literal)
    ? `${accountUnquoted}: write '${literal}'`
    : `${accountUnquoted}, and \`${literal}\` is not its 12 digits: write these in quotes`;
}

export const Endpoint = v.config(EndpointId, {
  message: 'an endpoint id looks like vpce-0123456789abcdef0',
});
export const Region = v.config(AccountRegion.entries.region, { message: 'a Region looks like us-east-1' });
export const Stage = v.pipe(v.string(), v.regex(stagePattern, stageForm));

const timeForm = 'write a time such as 7d or 36h';

/** Validates a duration such as `7d` against a schema of seconds. */
export function Duration(secondsSchema: v.GenericSchema<number>) {
  return v.pipe(
    v.string(timeForm),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const seconds = v.safeParse(secondsSchema, parseSeconds(dataset.value), { message: timeForm });
      if (!seconds.success) addIssue({ message: seconds.issues[0].message });
    }),
    v.metadata({ pattern: durationPattern.source }),
  );
}

/** Validates a day or a date-time, and refuses a duration from now. */
export const Instant = v.pipe(
  v.string(dateForm),
  v.check((text) => 'at' in (parseExpiry(text) ?? {}), dateForm),
  v.metadata({ pattern: '^\\d{4}-\\d{2}-\\d{2}(T.+)?$' }),
);

function dateForm({ input }: { readonly input: unknown }): string {
  const isFromNow = typeof input === 'string' && parseExpiry(input) !== undefined;
  if (isFromNow)
    return `\`${input}\` from now would be another day at each plan: write a date such as 2027-01-31`;
  const missing = typeof input === 'string' ? missingDay(input) : undefined;
  return missing ?? `write a date such as 2027-01-31 (its end, UTC) or ${instantFormat}`;
}

export const Owners = createListSchema(
  v.pipe(
    v.string(),
    v.check(
      (text) => parseActor(text) !== undefined,
      'an owner looks like T0123456789:U0123456789, alice@example.com or arn:aws:iam::111122223333:user/alice',
    ),
  ),
  100,
);

export const SlackPerson = v.pipe(
  v.string(),
  v.check((text) => parseSlackUser(text) !== undefined, 'a Slack user looks like T0123456789:U0123456789'),
);

/** Validates a map with names as keys. `v.record` silently drops `prototype` and `constructor`. */
function createMapSchema<const Value extends v.GenericSchema>(
  nameSchema: v.GenericSchema<string, string>,
  valueSchema: Value,
) {
  const record = v.record(nameSchema, valueSchema);
  const mapSchema: typeof record = {
    ...record,
    '~run'(dataset, config) {
      const names = Object.keys(Object(dataset.value)).filter((each) => v.is(nameSchema, each));
      const strictSchema = v.strictObject(Object.fromEntries(names.map((each) => [each, valueSchema])));
      return strictSchema['~run'](dataset, config) as ReturnType<(typeof record)['~run']>;
    },
  };
  return mapSchema;
}

export const onlyIn = 'The environments in which it counts: a list, or all where it is left out.';

/** Validates a list of environments, or a map with the overrides of each. */
export function createEnvironmentsSchema<const Entries extends v.ObjectEntries>(fields: Entries) {
  return field(
    v.union(
      [createListSchema(Stage, 100), createMapSchema(Stage, v.strictObject(fields))],
      'write a list of environments, or a map of what is different in each',
    ),
    `${onlyIn} As a map: what is different in each.`,
    ['prod'],
  );
}
