import * as v from 'valibot';
import { OperationsView, Warnings } from '../api-views.ts';
import type { HandlerDeps } from '../handler-deps.ts';
import type { CommonOptions } from '../options.ts';
import { keyValues, type Output, time } from '../output.ts';

const OperationsResponse = v.looseObject({ operations: OperationsView, warnings: Warnings });

interface SetOptions extends CommonOptions {
  readonly slackChannel?: string;
  readonly email?: readonly string[];
}

export function setOperations({ open }: HandlerDeps) {
  return async ({ slackChannel, email, ...common }: SetOptions) => {
    const { api, output } = await open(common);
    const body = { slackChannel, emails: email };
    const { operations, warnings } = await api.call('PUT', ['operations'], OperationsResponse, { body });
    output.result({ operations }, formatOperations(operations, output));
    output.warn(warnings);
  };
}

export function showOperations({ open }: HandlerDeps) {
  return async (options: CommonOptions) => {
    const { api, output } = await open(options);
    const { operations, warnings } = await api.call('GET', ['operations'], OperationsResponse);
    output.result({ operations }, formatOperations(operations, output));
    output.warn(warnings);
  };
}

function formatOperations({ slackChannel, emails, changedAt, changedBy }: OperationsView, output: Output) {
  return keyValues(
    [
      ['Slack channel', slackChannel ?? '-'],
      ['e-mail', emails.join(' ') || '-'],
      ['changed', changedAt && `${time(changedAt)}${changedBy ? ` by ${changedBy}` : ''}`],
    ],
    output,
  );
}
