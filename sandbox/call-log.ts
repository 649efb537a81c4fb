import type { Log } from './persistence.ts';

/** An AWS call that the sandbox received. */
export interface RecordedCall {
  readonly time: string;
  readonly accountId: string;
  /** The file name of a function, or `root`. */
  readonly principal: string;
  /** The signing name. */
  readonly service: string;
  readonly action: string;
  readonly params: unknown;
  readonly status: number;
  readonly error?: string;
}

/** Returns the parameters of a call with each secret replaced by `***`. */
export function redact(service: string, action: string, params: unknown): unknown {
  if (service !== 'ssm' || action !== 'PutParameter') return params;
  const { Type } = params as { readonly Type?: string };
  // PutParameter with Overwrite need not repeat the type.
  return Type === 'String' || Type === 'StringList' ? params : { ...(params as object), Value: '***' };
}

export type CallLog = ReturnType<typeof createCallLog>;

export function createCallLog(log: Log<RecordedCall>) {
  return {
    record: log.append,
    /** Lists the calls from index `since`. */
    list: ({ since, principal }: { readonly since: number; readonly principal: string | undefined }) =>
      log.list(since).filter((call) => principal === undefined || call.principal === principal),
    clear: log.clear,
  };
}
