import * as v from 'valibot';
import type { AwsEmulator } from './aws-emulator.ts';
import type { CallLog } from './call-log.ts';
import { FaultError } from './faults.ts';
import { AssumptionError, describeAssumptions } from './privatelink/assumptions.ts';
import type { Schedules } from './schedules.ts';

export interface ControlRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
}

export interface ControlResponse {
  readonly status: number;
  /** Absent for 204. */
  readonly json?: unknown;
}

export interface ControlDeps {
  readonly emulator: AwsEmulator;
  readonly calls: CallLog;
  /** Undefined until the stack is deployed. */
  readonly deployed: () =>
    | { readonly schedules: Schedules; readonly outputs: Readonly<Record<string, string>> }
    | undefined;
}

type ControlHandler = (
  request: ControlRequest,
  argument: string,
) => ControlResponse | Promise<ControlResponse>;

const Enabled = v.strictObject({ enabled: v.boolean() });
const Advance = v.strictObject({ advanceSeconds: v.pipe(v.number(), v.minValue(0)) });

const defaultIdleTimeoutMs = 30_000;
const idlePollMs = 5;

/** `/_sandbox`: the API by which tests and people control and inspect the sandbox. */
export function createControl({ emulator, calls, deployed }: ControlDeps) {
  const { clock, faults, privateLink, settings } = emulator;

  const paths: Readonly<Record<string, Readonly<Record<string, ControlHandler>>>> = {
    health: {
      GET: () =>
        deployed() ? okResponse({ status: 'ready' }) : { status: 503, json: { status: 'starting' } },
    },
    calls: {
      GET: ({ url }) => {
        const since = Number(url.searchParams.get('since') ?? 0);
        if (!Number.isInteger(since) || since < 0)
          return invalidResponse('`since` has to be a number of calls');
        return okResponse({
          calls: calls.list({ since, principal: url.searchParams.get('principal') ?? undefined }),
        });
      },
      DELETE: () => noContent(() => calls.clear()),
    },
    faults: {
      GET: () => okResponse(faults.list()),
      PUT: ({ body }) => noContent(() => faults.replace(parseBody(body))),
      DELETE: () => noContent(() => faults.replace([])),
    },
    throttling: {
      PUT: ({ body }) => noContent(() => settings.set('throttling', parseBodyAs(Enabled, body).enabled)),
    },
    assumptions: {
      GET: () => okResponse(describeAssumptions(privateLink.assumptions())),
      PUT: ({ body }) =>
        noContent(() => {
          privateLink.assume(parseBody(body));
          settings.set('assumptions', privateLink.assumptions());
        }),
    },
    clock: {
      GET: () =>
        okResponse({ time: new Date(clock.now()).toISOString(), offsetSeconds: clock.offset() / 1000 }),
      POST: async ({ body }) => {
        clock.advance(parseBodyAs(Advance, body).advanceSeconds * 1000);
        await Promise.all(emulator.tableArns.map((arn) => emulator.dynamoDb.expire(arn)));
        return okResponse({ time: new Date(clock.now()).toISOString() });
      },
    },
    schedules: {
      PUT: ({ body }) => noContent(() => settings.set('schedules', parseBodyAs(Enabled, body).enabled)),
    },
    'schedules/*': { POST: ({ url }, functionName) => fireSchedules(functionName, readTimeoutMs(url)) },
    idle: {
      GET: async ({ url }) => {
        if (await isIdle(readTimeoutMs(url))) return okResponse({ idle: true });
        return { status: 504, json: { error: 'something is still in flight' } };
      },
    },
    outputs: { GET: () => okResponse(deployed()?.outputs ?? {}) },
  };

  async function fireSchedules(functionName: string, timeoutMs: number): Promise<ControlResponse> {
    const firings = deployed()?.schedules.firings(functionName) ?? [];
    if (firings.length === 0) return { status: 404, json: { error: `\`${functionName}\` has no schedule` } };
    const results: unknown[] = [];
    try {
      for (const fire of firings) {
        results.push(...(await fire()));
        // A scheduled run is complete when its messages are handled too, and the next run sees their result.
        if (!(await isIdle(timeoutMs)))
          return okResponse({ ok: false, error: 'the work of the scheduled run was not done in time' });
      }
      return okResponse({ ok: true, result: results.length === 1 ? results[0] : results });
    } catch (error) {
      return okResponse({ ok: false, error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Checks twice in a row, because one check can miss a message between two services. */
  async function isIdle(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (let idleChecks = 0; idleChecks < 2; ) {
      idleChecks = hasNoPendingWork() ? idleChecks + 1 : 0;
      if (idleChecks < 2 && performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, idlePollMs));
    }
    return true;
  }

  function hasNoPendingWork(): boolean {
    return emulator.inFlight.count() === 0 && !emulator.sqs.isBusy() && privateLink.isSettled();
  }

  return async (request: ControlRequest): Promise<ControlResponse> => {
    const [, , name = '', ...rest] = request.url.pathname.split('/');
    const argument = rest.join('/');
    const pathPattern = argument === '' ? name : `${name}/*`;
    const path = Object.hasOwn(paths, pathPattern) ? paths[pathPattern] : undefined;
    if (!path) return { status: 404, json: { error: `there is no ${request.url.pathname}` } };
    const answer = path[request.method];
    if (!answer)
      return {
        status: 405,
        json: { error: `${request.url.pathname} takes ${Object.keys(path).join(', ')}` },
      };
    try {
      return await answer(request, argument);
    } catch (error) {
      if (error instanceof FaultError || error instanceof AssumptionError || error instanceof InputError)
        return invalidResponse(error.message);
      throw error;
    }
  };
}

class InputError extends Error {
  override readonly name = 'InputError';
}

function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new InputError('the body is not JSON', { cause });
  }
}

function parseBodyAs<T extends v.GenericSchema>(schema: T, body: Buffer): v.InferOutput<T> {
  const { success, output, issues } = v.safeParse(schema, parseBody(body));
  if (success) return output;
  throw new InputError(`${v.getDotPath(issues[0]) ?? 'the body'}: ${issues[0].message}`);
}

function readTimeoutMs(url: URL): number {
  const timeoutMs = Number(url.searchParams.get('timeoutMs') ?? defaultIdleTimeoutMs);
  if (Number.isFinite(timeoutMs) && timeoutMs >= 0) return timeoutMs;
  throw new InputError('`timeoutMs` has to be a number of milliseconds');
}

function okResponse(body: unknown): ControlResponse {
  return { status: 200, json: body };
}

function noContent(change: () => unknown): ControlResponse {
  change();
  return { status: 204 };
}

function invalidResponse(error: string): ControlResponse {
  return { status: 400, json: { error } };
}
