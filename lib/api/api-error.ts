interface ApiErrorOptions extends ErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
}

/** An error response of the API; its message names the remedy. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: 400 | 403 | 404 | 409 | 422 | 503;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: ApiError['status'],
    code: string,
    message: string,
    { details, retryAfterSeconds, ...options }: ApiErrorOptions = {},
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function invalidRequestError(message: string): ApiError {
  return new ApiError(400, 'InvalidRequest', message);
}

export function conflictError(message: string): ApiError {
  return new ApiError(409, 'Conflict', message);
}
