// Lambda's runtime in the worker thread of a function, as far as handlers can see it.
const { parentPort, workerData } = require('node:worker_threads');

const offset = new Float64Array(workerData.clockOffset);
const WallClockDate = Date;
const now = () => WallClockDate.now() + offset[0];

// A Proxy, not a subclass, so that dates of other origin (structuredClone, fs.stat) stay `instanceof Date`.
const SandboxDate = new Proxy(WallClockDate, {
  construct: (target, values, newTarget) =>
    Reflect.construct(
      target,
      values.length > 0 ? values : [now()],
      newTarget === SandboxDate ? target : newTarget,
    ),
  apply: () => new WallClockDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : target[key]),
});
WallClockDate.prototype.constructor = SandboxDate;
globalThis.Date = SandboxDate;

const handler = require(workerData.file)[workerData.handler];
if (typeof handler !== 'function')
  throw new Error(`the bundle exports no function \`${workerData.handler}\``);
parentPort.postMessage({ type: 'ready' });

parentPort.on('message', async ({ event, context, timeoutMs }) => {
  const deadline = performance.now() + timeoutMs;
  const getRemainingTimeInMillis = () => Math.max(0, Math.round(deadline - performance.now()));
  try {
    const value = await handler(event, {
      ...context,
      getRemainingTimeInMillis,
      callbackWaitsForEmptyEventLoop: true,
    });
    parentPort.postMessage({ type: 'result', payload: JSON.stringify(value ?? null) });
  } catch (error) {
    parentPort.postMessage({
      type: 'error',
      error: {
        errorType: error?.name ?? 'Error',
        errorMessage: String(error?.message ?? error),
        trace: String(error?.stack ?? '').split('\n'),
      },
    });
  }
});
