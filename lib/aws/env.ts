import * as v from 'valibot';
import { stagePattern } from '../values/stage.mjs';

const nonEmptyText = v.pipe(v.string(), v.nonEmpty());
const url = v.pipe(v.string(), v.url());

/** Every environment variable of a function, as serverless.yml names it. */
const environmentVariables = {
  AWS_REGION: nonEmptyText,
  LINKGATE_ACCOUNT_ID: v.pipe(v.string(), v.regex(/^\d{12}$/)),
  LINKGATE_STAGE: v.pipe(v.string(), v.regex(stagePattern)),
  LINKGATE_TABLE: nonEmptyText,
  LINKGATE_BUS: nonEmptyText,
  LINKGATE_MODE_PARAMETER: nonEmptyText,
  LINKGATE_CONNECTIONS_TOPIC_ARN: nonEmptyText,
  LINKGATE_APPROVALS_TOPIC_ARN: nonEmptyText,
  LINKGATE_CUSTOMERS_TOPIC_ARN: nonEmptyText,
  LINKGATE_OPERATIONS_TOPIC_ARN: nonEmptyText,
  LINKGATE_APPLY_DEAD_LETTERS_QUEUE_URL: nonEmptyText,
  LINKGATE_APPLY_QUEUE_URL: nonEmptyText,
  LINKGATE_SWEEP_REQUESTS_QUEUE_URL: nonEmptyText,
  LINKGATE_APPROVER_NOTIFICATIONS_QUEUE_URL: nonEmptyText,
  LINKGATE_CUSTOMER_NOTIFICATIONS_QUEUE_URL: nonEmptyText,
  LINKGATE_SERVICE_CHECKS_QUEUE_URL: nonEmptyText,
  /** The base URL of approval links in e-mails. */
  LINKGATE_APPROVAL_URL: url,
  LINKGATE_SLACK_REQUEST_URL: url,
  LINKGATE_SLACK_API_URL: url,
  /** The URLs of all queues, separated by commas. */
  LINKGATE_QUEUE_URLS: nonEmptyText,
};
export type EnvironmentVariable = keyof typeof environmentVariables;

/** An environment variable is missing or invalid. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads one variable while the function loads, so that a misconfigured function fails at once.
 * @throws ConfigError
 */
export function env(name: EnvironmentVariable, environment: NodeJS.ProcessEnv = process.env): string {
  const result = v.safeParse(environmentVariables[name], environment[name]);
  if (!result.success)
    throw new ConfigError(`${name} is \`${environment[name]}\`: ${v.summarize(result.issues)}`);
  return result.output;
}
