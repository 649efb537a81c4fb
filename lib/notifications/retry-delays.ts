/**
 * The retries of a message of its own, of a request or an expiry warning, after an error of Slack or SNS. The pending sweep
 * enqueues open requests each minute, and the full sweep finds a message after the window.
 */
export const messageRetry = { delaySeconds: 300, windowMs: 24 * 3_600_000 } as const;

/** The retries of a digest's last update: the delay grows with the time since the first error. */
export const digestRetry = {
  firstDelaySeconds: 60,
  lastDelaySeconds: 900,
  windowSeconds: 7 * 86_400,
} as const;
