/** The allowed principals of the endpoint services of one location. Only check-service may change them. */
export interface AllowedPrincipals {
  /** Lists principals as EC2 writes them: ARNs, `*`, account ids, or the unique ids of deleted roles and users. */
  list(serviceId: string): Promise<string[]>;
  /** @throws ThrottledError, PrincipalsRefusedError: EC2 changed none of them. */
  allow(serviceId: string, principals: readonly string[]): Promise<void>;
  /** @throws ThrottledError, PrincipalsRefusedError: EC2 changed none of them. */
  disallow(serviceId: string, principals: readonly string[]): Promise<void>;
}

/** EC2 refused a whole call. */
export class PrincipalsRefusedError extends Error {
  override readonly name = 'PrincipalsRefusedError';
  /** `principals`: EC2 refuses one of them, or their number. `service`: EC2 refuses every change of this service. */
  readonly reason: 'principals' | 'service';
  readonly code: string;

  constructor(reason: 'principals' | 'service', code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.code = code;
  }
}
