import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';

/** @returns a function that reads one SecureString parameter; the value is empty while the parameter does not exist. */
export function ssmSecretReader(ssm: SSMClient, parameterName: string): () => Promise<string> {
  return async () => {
    try {
      const { Parameter } = await ssm.send(
        new GetParameterCommand({ Name: parameterName, WithDecryption: true }),
      );
      return Parameter?.Value ?? '';
    } catch (error) {
      if (error instanceof ParameterNotFound) return '';
      throw error;
    }
  };
}
