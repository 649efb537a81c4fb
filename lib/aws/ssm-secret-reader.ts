import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';

/** @returns a reader of one SecureString parameter; it reads as empty while nobody has put one in. */
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
