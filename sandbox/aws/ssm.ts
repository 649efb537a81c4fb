import type * as Client from '@aws-sdk/client-ssm';
import { AwsError, type AwsService, type OperationContext } from './aws-service.ts';

interface StoredParameter {
  readonly name: string;
  readonly type: Client.ParameterType;
  readonly value: string;
  readonly version: number;
  readonly modifiedAt: number;
}

export interface Ssm {
  readonly service: AwsService;
  /** Writes a parameter, over an older one too. */
  put(
    place: { readonly accountId: string; readonly region: string },
    parameter: { readonly name: string; readonly value: string; readonly type?: Client.ParameterType },
  ): void;
}

const sizeLimits = { Standard: 4096, Advanced: 8192 } as const;
const mostByPath = 10;

/** The parameters of all accounts and Regions, by ARN. */
export function createSsm({ now }: { now: () => number }): Ssm {
  const parameters = new Map<string, StoredParameter>();

  function store(arn: string, parameter: Omit<StoredParameter, 'version' | 'modifiedAt'>): StoredParameter {
    const stored = { ...parameter, version: (parameters.get(arn)?.version ?? 0) + 1, modifiedAt: now() };
    parameters.set(arn, stored);
    return stored;
  }

  const shown = (arn: string, decrypt: boolean | undefined): Client.Parameter[] => {
    const parameter = parameters.get(arn);
    return parameter ? [asAnswer(arn, parameter, decrypt ?? false)] : [];
  };

  const operations = {
    GetParameter(input: Client.GetParameterRequest, { caller }) {
      const [parameter] = shown(arnOf(caller, input.Name), input.WithDecryption);
      if (!parameter) throw notFound(input.Name);
      return { Parameter: parameter };
    },

    GetParameters({ Names = [], WithDecryption }: Client.GetParametersRequest, { caller }) {
      if (Names.length > 10) throw validation('Names must have length less than or equal to 10');
      return {
        Parameters: Names.flatMap((name) => shown(arnOf(caller, name), WithDecryption)),
        InvalidParameters: Names.filter((name) => !parameters.has(arnOf(caller, name))),
      };
    },

    GetParametersByPath(input: Client.GetParametersByPathRequest, { caller }) {
      const path = `${input.Path?.replace(/\/$/, '')}/`;
      if (!path.startsWith('/')) throw validation('The parameter path must begin with /');
      const { MaxResults = mostByPath, NextToken = '' } = input;
      if (MaxResults < 1 || MaxResults > mostByPath) throw validation('MaxResults must be between 1 and 10');
      const names = [...parameters]
        .filter(([arn, { name }]) => arn === arnOf(caller, name) && name.startsWith(path))
        .map(([, { name }]) => name)
        .filter((name) => input.Recursive || !name.slice(path.length).includes('/'))
        .sort();
      const after = Buffer.from(NextToken, 'base64').toString();
      const rest = names.filter((name) => name > after);
      const page = rest.slice(0, MaxResults);
      return {
        Parameters: page.flatMap((name) => shown(arnOf(caller, name), input.WithDecryption)),
        NextToken: rest.length > page.length ? Buffer.from(page.at(-1) ?? '').toString('base64') : undefined,
      };
    },

    PutParameter(input: Client.PutParameterRequest, { caller }) {
      const { Name: name = '', Value: value = '', Overwrite, Tier = 'Standard' } = input;
      const arn = arnOf(caller, name);
      const existing = parameters.get(arn);
      if (existing && !Overwrite)
        throw new AwsError(
          'ParameterAlreadyExists',
          'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
        );
      const type = input.Type ?? existing?.type;
      if (!type) throw validation('A parameter type is required when you create a parameter.');
      const tier = Tier === 'Intelligent-Tiering' ? tierFor(value) : Tier;
      if (value === '' || Buffer.byteLength(value) > sizeLimits[tier])
        throw validation(`${tier} tier parameters support a value of 1 to ${sizeLimits[tier]} characters.`);
      return { Version: store(arn, { name, type, value }).version, Tier: tier };
    },

    DeleteParameter({ Name }: Client.DeleteParameterRequest, { caller }) {
      if (!parameters.delete(arnOf(caller, Name))) throw notFound(Name);
    },
  } satisfies Record<string, (input: never, context: OperationContext) => unknown>;

  return {
    service: {
      signingName: 'ssm',
      loadClient: () => import('@aws-sdk/client-ssm'),
      protocol: 'awsJson1_1',
      operations,
      accesses: (operation, input: { Name?: string; Names?: readonly string[]; Path?: string }, { caller }) =>
        (input.Names ?? [input.Name ?? input.Path ?? '']).map((name) => ({
          action: `ssm:${operation}`,
          resource: arnOf(caller, name),
        })),
    },
    put(place, { name, value, type = 'String' }) {
      store(arnOf(place, name), { name, value, type });
    },
  };
}

function tierFor(value: string): 'Standard' | 'Advanced' {
  return Buffer.byteLength(value) > sizeLimits.Standard ? 'Advanced' : 'Standard';
}

function arnOf({ accountId, region }: { accountId: string; region: string }, name = ''): string {
  const plain = name.startsWith('arn:') ? name.replace(/^.*?:parameter/, '') : name;
  return `arn:aws:ssm:${region}:${accountId}:parameter${plain.startsWith('/') ? '' : '/'}${plain}`;
}

function asAnswer(arn: string, parameter: StoredParameter, decrypt: boolean): Client.Parameter {
  const { name, type, value, version, modifiedAt } = parameter;
  // Undecrypted, AWS shows the ciphertext: what matters is that it is not the secret.
  const isHidden = type === 'SecureString' && !decrypt;
  return {
    Name: name,
    Type: type,
    Value: isHidden ? Buffer.from(`encrypted:${arn}:${version}`).toString('base64') : value,
    Version: version,
    LastModifiedDate: new Date(modifiedAt),
    ARN: arn,
    DataType: 'text',
  };
}

function notFound(name: string | undefined): AwsError {
  return new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
