import type { Log } from './persistence.ts';

/** One AWS call that the sandbox received. */
export interface RecordedCall {
  readonly time: string;
  readonly accountId: string;
  /** A function's file name, or `root`. */
  readonly principal: string;
  /** The signing name. */
  readonly service: string;
  readonly action: string;
  readonly params: unknown;
  readonly status: number;
  readonly error?: string;
}

/** The parameters of a call as they may be shown: a secret shows as `***`. */
export function redact(service: string, action: string, params: unknown): unknown {
  if (service !== 'ssm' || action !== 'PutParameter') return params;
  const { Type } = params as { readonly Type?: string };
  // Who overwrites a parameter need not say its type again.
  return Type === 'String' || Type === 'StringList' ? params : { ...(params as object), Value: '***' };
}

export interface CallLog {
  record(call: RecordedCall): void;
  /** From the `since`th call on, counted from 0. */
  list(selection: {
    readonly since: number;
    readonly principal: string | undefined;
  }): readonly RecordedCall[];
  clear(): void;
}

export function createCallLog(log: Log<RecordedCall>): CallLog {
  return {
    record: log.append,
    list: ({ since, principal }) =>
      log.list(since).filter((call) => principal === undefined || call.principal === principal),
    clear: log.clear,
  };
}
