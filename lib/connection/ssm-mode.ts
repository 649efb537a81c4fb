import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import type { Mode } from './apply-verdicts.ts';

/** The switch that stops everything. What cannot be read, or reads otherwise than `act`, stops it too. */
export function ssmMode(ssm: SSMClient, parameterName: string, onUnreadable: (error: unknown) => void) {
  return async (): Promise<Mode> => {
    try {
      const { Parameter } = await ssm.send(new GetParameterCommand({ Name: parameterName }));
      return Parameter?.Value === 'act' ? 'act' : 'observe';
    } catch (error) {
      onUnreadable(error);
      return 'observe';
    }
  };
}
