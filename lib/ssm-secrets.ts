import { ParameterAlreadyExists, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import type { Secrets } from './setup.ts';

/** SSM parameters of type SecureString below `/linkgate/<stage>/`. */
export function ssmSecrets(ssm: SSMClient, stage: string): Secrets {
  return {
    async makeOnce(name, value) {
      try {
        await ssm.send(
          new PutParameterCommand({
            Name: `/linkgate/${stage}/${name}`,
            Value: value(),
            Type: 'SecureString',
            Overwrite: false,
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ParameterAlreadyExists) return false;
        throw error;
      }
    },
  };
}
