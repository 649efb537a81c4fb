/** The allowed principals of the endpoint services of one place, for the one function that may change them. */
export interface AllowedPrincipals {
  /** As EC2 writes them: ARNs, `*`, bare account ids, or the ids of what was deleted. */
  list(serviceId: string): Promise<string[]>;
  /** @throws ThrottledError, PrincipalsRefusedError, where EC2 changed none of them. */
  allow(serviceId: string, principals: readonly string[]): Promise<void>;
  /** @throws ThrottledError, PrincipalsRefusedError, where EC2 changed none of them. */
  disallow(serviceId: string, principals: readonly string[]): Promise<void>;
}

/** EC2 refused a whole call. */
export class PrincipalsRefusedError extends Error {
  override readonly name = 'PrincipalsRefusedError';
  /** `principals`: one of them, or that they are so many. `service`: linkgate may not, or not now, change any of this service. */
  readonly reason: 'principals' | 'service';
  readonly code: string;

  constructor(reason: 'principals' | 'service', code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.code = code;
  }
}
