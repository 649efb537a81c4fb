/** Who calls: an account's root, or one of linkgate's functions by its role. */
export interface Caller {
  /** Twelve digits, leading zeros kept. */
  readonly accountId: string;
  readonly region: string;
  /** A function's file name, `root`, or a user of the account: `user/alice`. */
  readonly principal: string;
  readonly arn: string;
}

/** One of an account's people, to whom no role's policies apply. */
export function isPerson({ principal }: Pick<Caller, 'principal'>): boolean {
  return principal === 'root' || principal.startsWith('user/');
}

/** The unique id that AWS shows beside the ARN; those of users and roles are made up. */
export function callerUserId(caller: Caller): string {
  const { principal, accountId } = caller;
  if (principal === 'root') return accountId;
  return isPerson(caller) ? `AIDAEXAMPLE${principal.slice('user/'.length)}` : `AROAEXAMPLE:${principal}`;
}

/** One account in one Region: what state is kept by. */
export type CallerLocation = Pick<Caller, 'accountId' | 'region'>;

export interface OperationContext {
  readonly caller: Caller;
  /** Milliseconds since the epoch, by the sandbox's clock. */
  readonly now: number;
  /** `http://127.0.0.1:4570`, as the client addressed the sandbox: what URLs in answers are built from. */
  readonly origin: string;
}

/**
 * One API operation: typed input as the SDK's schema parses it, to typed output. Throws `AwsError`.
 * Inputs are `never` here so that each table can name the SDK's own input types; the wire is what checks them.
 */
export type Operation = (input: never, context: OperationContext) => unknown;

export interface AwsService {
  /** The name in the credential scope of a signature. */
  readonly signingName: string;
  /** The SDK client's module, whose exports include the operations' schemas; loaded when first called. */
  readonly loadClient: () => Promise<Readonly<Record<string, unknown>>>;
  readonly protocol: 'ec2Query' | 'awsQuery' | 'awsJson1_0' | 'awsJson1_1';
  /** Of XML answers. */
  readonly xmlNamespace?: string;
  readonly operations: Readonly<Record<string, Operation>>;
  /** What a call needs permission for; every one of the returned accesses must be allowed. Default: none is known, so the call is denied to functions. */
  readonly accesses?: (operation: string, input: never, context: OperationContext) => readonly Access[];
}

/** One thing that IAM is asked about. */
export interface Access {
  /** `ec2:AcceptVpcEndpointConnections` */
  readonly action: string;
  /** An ARN, or `*` for actions without resource-level permissions. */
  readonly resource: string;
  /** Condition keys of the request, such as `aws:ResourceTag/linkgate` or `dynamodb:LeadingKeys`. */
  readonly conditions?: Readonly<Record<string, string | readonly string[]>>;
}

/** The error that an AWS API answers with. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  /** HTTP status, where the SDK's schema of the service does not say it. */
  readonly status: number | undefined;

  constructor(code: string, message: string, status?: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
