/** The caller: the root of an account, or a function of linkgate by its role. */
export interface Caller {
  /** Twelve digits, with leading zeros. */
  readonly accountId: string;
  readonly region: string;
  /** The file name of a function, `root`, or a user of the account: `user/alice`. */
  readonly principal: string;
  readonly arn: string;
}

/** Whether the caller is a person; the policies of roles do not apply to people. */
export function isPerson({ principal }: Pick<Caller, 'principal'>): boolean {
  return principal === 'root' || principal.startsWith('user/');
}

/** Returns the unique id that AWS shows beside the ARN. The sandbox invents the ids of users and roles. */
export function callerUserId(caller: Caller): string {
  const { principal, accountId } = caller;
  if (principal === 'root') return accountId;
  return isPerson(caller) ? `AIDAEXAMPLE${principal.slice('user/'.length)}` : `AROAEXAMPLE:${principal}`;
}

/** An account and a Region. Services store their state by both. */
export type CallerLocation = Pick<Caller, 'accountId' | 'region'>;

export interface OperationContext {
  readonly caller: Caller;
  /** Milliseconds since the epoch, by the sandbox's clock. */
  readonly now: number;
  /** `http://127.0.0.1:4570`, as the client addressed the sandbox. URLs in responses begin with it. */
  readonly origin: string;
}

/**
 * One API operation: typed input as the SDK's schema parses it, to typed output. Throws `AwsError`.
 * Inputs are `never` here so that each table can name the SDK's own input types; sandbox/wire validates inputs.
 */
export type Operation = (input: never, context: OperationContext) => unknown;

export interface AwsService {
  /** The name in the credential scope of a signature. */
  readonly signingName: string;
  /** The SDK client's module, whose exports include the operations' schemas; loaded when first called. */
  readonly loadClient: () => Promise<Readonly<Record<string, unknown>>>;
  readonly protocol: 'ec2Query' | 'awsQuery' | 'awsJson1_0' | 'awsJson1_1';
  /** The namespace of XML responses. */
  readonly xmlNamespace?: string;
  readonly operations: Readonly<Record<string, Operation>>;
  /** Lists the accesses that IAM has to allow. Default: unknown, so that IAM denies the call to functions. */
  readonly accesses?: (operation: string, input: never, context: OperationContext) => readonly Access[];
}

/** One action on one resource that IAM evaluates. */
export interface Access {
  /** `ec2:AcceptVpcEndpointConnections` */
  readonly action: string;
  /** An ARN, or `*` for actions without resource-level permissions. */
  readonly resource: string;
  /** Condition keys of the request, such as `aws:ResourceTag/linkgate` or `dynamodb:LeadingKeys`. */
  readonly conditions?: Readonly<Record<string, string | readonly string[]>>;
}

/** An error response of an AWS API. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  /** The HTTP status, where the SDK's schema of the service has none. */
  readonly status: number | undefined;

  constructor(code: string, message: string, status?: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
