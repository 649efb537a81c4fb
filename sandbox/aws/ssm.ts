import type * as Client from '@aws-sdk/client-ssm';
import { inMemory, type OpenMap } from '../persistence.ts';
import { AwsError, type AwsService, type CallerLocation, type OperationContext } from './aws-service.ts';
import { paginate } from './paging.ts';

interface StoredParameter {
  readonly name: string;
  readonly type: Client.ParameterType;
  readonly value: string;
  readonly version: number;
  readonly modifiedAt: number;
}

export type Ssm = ReturnType<typeof createSsm>;

const maxValueBytes = 4096;
const maxByPath = 10;
const maxDescribed = 50;

/** The parameters of all accounts and Regions, by ARN. */
export function createSsm({ now, openMap = inMemory }: { now: () => number; openMap?: OpenMap }) {
  const parameters = openMap<StoredParameter>('ssm/parameters');

  function store(arn: string, parameter: Omit<StoredParameter, 'version' | 'modifiedAt'>): StoredParameter {
    const stored = { ...parameter, version: (parameters.get(arn)?.version ?? 0) + 1, modifiedAt: now() };
    parameters.set(arn, stored);
    return stored;
  }

  function listParameters({ accountId, region }: CallerLocation, matches: (name: string) => boolean) {
    const prefix = `arn:aws:ssm:${region}:${accountId}:`;
    return [...parameters].flatMap(([arn, parameter]) =>
      arn.startsWith(prefix) && matches(parameter.name) ? [{ arn, parameter }] : [],
    );
  }

  const operations = {
    GetParameter(input: Client.GetParameterRequest, { caller }) {
      const arn = parameterArn(caller, input.Name);
      const parameter = parameters.get(arn);
      if (!parameter) throw notFound(input.Name);
      return { Parameter: toParameterOutput(arn, parameter, input.WithDecryption) };
    },

    GetParametersByPath(input: Client.GetParametersByPathRequest, { caller }) {
      const path = `${input.Path?.replace(/\/$/, '')}/`;
      if (!path.startsWith('/')) throw validation('The parameter path must begin with /');
      const isBelow = (name: string) =>
        name.startsWith(path) && (input.Recursive || !name.slice(path.length).includes('/'));
      const page = paginateByName(listParameters(caller, isBelow), maxByPath, input);
      return {
        Parameters: page.rows.map(({ arn, parameter }) =>
          toParameterOutput(arn, parameter, input.WithDecryption),
        ),
        NextToken: page.NextToken,
      };
    },

    DescribeParameters(input: Client.DescribeParametersRequest, { caller }) {
      const predicates = (input.ParameterFilters ?? []).map(nameFilter);
      const matching = listParameters(caller, (name) => predicates.every((matches) => matches(name)));
      const page = paginateByName(matching, maxDescribed, input);
      return {
        Parameters: page.rows.map(({ arn, parameter }) => metadata(arn, parameter)),
        NextToken: page.NextToken,
      };
    },

    PutParameter(input: Client.PutParameterRequest, { caller }) {
      const { Name: name = '', Value: value = '', Overwrite } = input;
      const arn = parameterArn(caller, name);
      const existing = parameters.get(arn);
      if (existing && !Overwrite)
        throw new AwsError(
          'ParameterAlreadyExists',
          'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
        );
      const type = input.Type ?? existing?.type;
      if (!type) throw validation('A parameter type is required when you create a parameter.');
      if (value === '' || Buffer.byteLength(value) > maxValueBytes)
        throw validation(`Standard tier parameters support a value of 1 to ${maxValueBytes} characters.`);
      return { Version: store(arn, { name, type, value }).version, Tier: 'Standard' };
    },

    DeleteParameter({ Name }: Client.DeleteParameterRequest, { caller }) {
      if (!parameters.delete(parameterArn(caller, Name))) throw notFound(Name);
    },
  } satisfies Record<string, (input: never, context: OperationContext) => unknown>;

  const service: AwsService = {
    signingName: 'ssm',
    loadClient: () => import('@aws-sdk/client-ssm'),
    protocol: 'awsJson1_1',
    operations,
    accesses: (operation, input: { Name?: string; Path?: string }, { caller }) => [
      { action: `ssm:${operation}`, resource: parameterArn(caller, input.Name ?? input.Path) },
    ],
  };

  return {
    service,
    /** Puts a parameter with overwrite. */
    put(
      location: CallerLocation,
      { name, value, type = 'String' }: { name: string; value: string; type?: Client.ParameterType },
    ) {
      store(parameterArn(location, name), { name, value, type });
    },
    has: (location: CallerLocation, name: string) => parameters.has(parameterArn(location, name)),
    remove: (location: CallerLocation, name: string) => void parameters.delete(parameterArn(location, name)),
  };
}

function paginateByName<Row extends { readonly parameter: StoredParameter }>(
  rows: readonly Row[],
  maxSize: number,
  {
    MaxResults: size = 10,
    NextToken: token,
  }: Pick<Client.DescribeParametersRequest, 'MaxResults' | 'NextToken'>,
) {
  if (size < 1 || size > maxSize) throw validation(`MaxResults must be between 1 and ${maxSize}`);
  return paginate(rows, ({ parameter }) => parameter.name, { size, token });
}

function parameterArn({ accountId, region }: CallerLocation, name = ''): string {
  const plain = name.startsWith('arn:') ? name.replace(/^.*?:parameter/, '') : name;
  return `arn:aws:ssm:${region}:${accountId}:parameter${plain.startsWith('/') ? '' : '/'}${plain}`;
}

function toParameterOutput(arn: string, parameter: StoredParameter, decrypt = false): Client.Parameter {
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
