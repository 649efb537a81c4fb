import type * as Client from '@aws-sdk/client-ssm';
import { inMemory, type OpenMap } from '../persistence.ts';
import { AwsError, type AwsService, type CallerLocation, type OperationContext } from './aws-service.ts';

interface StoredParameter {
  readonly name: string;
  readonly type: Client.ParameterType;
  readonly value: string;
  readonly version: number;
  readonly modifiedAt: number;
}

export interface Ssm {
  readonly service: AwsService;
  /** Puts a parameter with overwrite. */
  put(
    location: CallerLocation,
    parameter: { readonly name: string; readonly value: string; readonly type?: Client.ParameterType },
  ): void;
  has(location: CallerLocation, name: string): boolean;
  remove(location: CallerLocation, name: string): void;
}

const sizeLimits = { Standard: 4096, Advanced: 8192 } as const;
const maxByPath = 10;

/** The parameters of all accounts and Regions, by ARN. */
export function createSsm({ now, openMap = inMemory }: { now: () => number; openMap?: OpenMap }): Ssm {
  const parameters = openMap<StoredParameter>('ssm/parameters');

  function store(arn: string, parameter: Omit<StoredParameter, 'version' | 'modifiedAt'>): StoredParameter {
    const stored = { ...parameter, version: (parameters.get(arn)?.version ?? 0) + 1, modifiedAt: now() };
    parameters.set(arn, stored);
    return stored;
  }

  const findParameterOutput = (arn: string, decrypt: boolean | undefined): Client.Parameter[] => {
    const parameter = parameters.get(arn);
    return parameter ? [toParameterOutput(arn, parameter, decrypt ?? false)] : [];
  };

  const operations = {
    GetParameter(input: Client.GetParameterRequest, { caller }) {
      const [parameter] = findParameterOutput(parameterArn(caller, input.Name), input.WithDecryption);
      if (!parameter) throw notFound(input.Name);
      return { Parameter: parameter };
    },

    GetParameters({ Names = [], WithDecryption }: Client.GetParametersRequest, { caller }) {
      if (Names.length > 10) throw validation('Names must have length less than or equal to 10');
      return {
        Parameters: Names.flatMap((name) => findParameterOutput(parameterArn(caller, name), WithDecryption)),
        InvalidParameters: Names.filter((name) => !parameters.has(parameterArn(caller, name))),
      };
    },

    GetParametersByPath(input: Client.GetParametersByPathRequest, { caller }) {
      const path = `${input.Path?.replace(/\/$/, '')}/`;
      if (!path.startsWith('/')) throw validation('The parameter path must begin with /');
      const { MaxResults = maxByPath, NextToken = '' } = input;
      if (MaxResults < 1 || MaxResults > maxByPath) throw validation('MaxResults must be between 1 and 10');
      const names = [...parameters]
        .filter(([arn, { name }]) => arn === parameterArn(caller, name) && name.startsWith(path))
        .map(([, { name }]) => name)
        .filter((name) => input.Recursive || !name.slice(path.length).includes('/'))
        .sort();
      const after = Buffer.from(NextToken, 'base64').toString();
      const rest = names.filter((name) => name > after);
      const page = rest.slice(0, MaxResults);
      return {
        Parameters: page.flatMap((name) =>
          findParameterOutput(parameterArn(caller, name), input.WithDecryption),
        ),
        NextToken: rest.length > page.length ? Buffer.from(page.at(-1) ?? '').toString('base64') : undefined,
      };
    },

    DescribeParameters(input: Client.DescribeParametersRequest, { caller }) {
      const { ParameterFilters = [], MaxResults = 10, NextToken = '' } = input;
      if (MaxResults < 1 || MaxResults > 50) throw validation('MaxResults must be between 1 and 50');
      const predicates = ParameterFilters.map(nameFilter);
      const after = Buffer.from(NextToken, 'base64').toString();
      const rest = [...parameters]
        .filter(
          ([arn, { name }]) =>
            arn === parameterArn(caller, name) && predicates.every((matches) => matches(name)),
        )
        .map(([arn, parameter]) => metadata(arn, parameter))
        .sort((a, b) => (a.Name < b.Name ? -1 : 1))
        .filter(({ Name }) => Name > after);
      const page = rest.slice(0, MaxResults);
      return {
        Parameters: page,
        NextToken:
          rest.length > page.length ? Buffer.from(page.at(-1)?.Name ?? '').toString('base64') : undefined,
      };
    },

    PutParameter(input: Client.PutParameterRequest, { caller }) {
      const { Name: name = '', Value: value = '', Overwrite, Tier = 'Standard' } = input;
      const arn = parameterArn(caller, name);
      const existing = parameters.get(arn);
      if (existing && !Overwrite)
        throw new AwsError(
          'ParameterAlreadyExists',
          'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
        );
      const type = input.Type ?? existing?.type;
      if (!type) throw validation('A parameter type is required when you create a parameter.');
      const tier = Tier === 'Intelligent-Tiering' ? parameterTier(value) : Tier;
      if (value === '' || Buffer.byteLength(value) > sizeLimits[tier])
        throw validation(`${tier} tier parameters support a value of 1 to ${sizeLimits[tier]} characters.`);
      return { Version: store(arn, { name, type, value }).version, Tier: tier };
    },

    DeleteParameter({ Name }: Client.DeleteParameterRequest, { caller }) {
      if (!parameters.delete(parameterArn(caller, Name))) throw notFound(Name);
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
          resource: parameterArn(caller, name),
        })),
    },
    put(location, { name, value, type = 'String' }) {
      store(parameterArn(location, name), { name, value, type });
    },
    has: (location, name) => parameters.has(parameterArn(location, name)),
    remove: (location, name) => void parameters.delete(parameterArn(location, name)),
  };
}

function parameterTier(value: string): 'Standard' | 'Advanced' {
  return Buffer.byteLength(value) > sizeLimits.Standard ? 'Advanced' : 'Standard';
}

function parameterArn({ accountId, region }: CallerLocation, name = ''): string {
  const plain = name.startsWith('arn:') ? name.replace(/^.*?:parameter/, '') : name;
  return `arn:aws:ssm:${region}:${accountId}:parameter${plain.startsWith('/') ? '' : '/'}${plain}`;
}

function toParameterOutput(arn: string, parameter: StoredParameter, decrypt: boolean): Client.Parameter {
  const { name, type, value, version, modifiedAt } = parameter;
  // AWS returns the ciphertext without decryption; any text other than the secret serves here.
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

function metadata(arn: string, { name, type, version, modifiedAt }: StoredParameter) {
  return {
    Name: name,
    ARN: arn,
    Type: type,
    Version: version,
    LastModifiedDate: new Date(modifiedAt),
    DataType: 'text',
    Tier: 'Standard' as const,
  };
}

function nameFilter({ Key, Option = 'Equals', Values = [] }: Client.ParameterStringFilter) {
  if (Key !== 'Name' || !['Equals', 'BeginsWith'].includes(Option))
    throw new AwsError('InvalidFilterKey', `The filter ${Key} ${Option} is not known here.`);
  return (name: string) =>
    Values.some((value) => (Option === 'Equals' ? name === value : name.startsWith(value)));
}

function notFound(name: string | undefined): AwsError {
  return new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
