import { ParameterAlreadyExists, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import type { Secrets } from '../operations/setup.ts';
import { secretValues } from '../runtime/secret.ts';
import { ssmSecretReader } from './ssm-secret-reader.ts';

/**
 * Stores secrets as SecureString parameters below `/linkgate/<stage>/`. The current and the previous value are on separate lines.
 */
export function ssmSecrets(ssm: SSMClient, stage: string): Secrets {
  const parameter = (name: string) => `/linkgate/${stage}/${name}`;

  async function putParameter(name: string, Value: string, Overwrite: boolean): Promise<void> {
    await ssm.send(
      new PutParameterCommand({ Name: parameter(name), Value, Type: 'SecureString', Overwrite }),
    );
  }

  async function read(name: string): Promise<readonly string[]> {
    return secretValues(await ssmSecretReader(ssm, parameter(name))());
  }

  return {
    read,
    async createIfMissing(name, value) {
      try {
        await putParameter(name, value(), false);
        return true;
      } catch (error) {
        if (error instanceof ParameterAlreadyExists) return false;
        throw error;
      }
    },
    async rotate(name, value) {
      const [current] = await read(name);
      if (current === value) return false;
      await putParameter(name, current === undefined ? value : `${value}\n${current}`, true);
      return true;
    },
    async dropPrevious(name) {
      const [current, previous] = await read(name);
      if (current !== undefined && previous !== undefined) await putParameter(name, current, true);
    },
  };
}
