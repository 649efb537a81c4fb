import {
  GetParameterCommand,
  ParameterAlreadyExists,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import * as v from 'valibot';
import { Mode, type ModeParameter, type ReadMode } from '../mode/mode.ts';

type ReadModeParameter = ModeParameter['read'];

/** Reads the mode from SSM. Any value other than `enforce` counts as observe. */
export function ssmMode(ssm: SSMClient, parameterName: string): ReadModeParameter {
  return async () => {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: parameterName }));
    const value = Parameter?.Value ?? '';
    return {
      mode: value === 'enforce' ? 'enforce' : 'observe',
      changedAt: Parameter?.LastModifiedDate?.toISOString() ?? '',
      ...(!v.is(Mode, value) && { unknownValue: value }),
    };
  };
}

export function ssmModeParameter(ssm: SSMClient, parameterName: string): ModeParameter {
  const putParameter = (Value: Mode, Overwrite: boolean) =>
    ssm.send(new PutParameterCommand({ Name: parameterName, Value, Type: 'String', Overwrite }));
  return {
    read: ssmMode(ssm, parameterName),
    async write(mode) {
      await putParameter(mode, true);
    },
    async createIfMissing(mode) {
      try {
        await putParameter(mode, false);
        return true;
      } catch (error) {
        if (error instanceof ParameterAlreadyExists) return false;
        throw error;
      }
    },
  };
}

/** Reads the mode. An unreadable mode counts as observe. */
export function modeOrFailSafe(read: ReadModeParameter, onUnreadable: (error: unknown) => void): ReadMode {
  return async (since) => {
    try {
      const { mode, changedAt } = await read();
      return since && changedAt >= since.toISOString() ? 'observe' : mode;
    } catch (error) {
      onUnreadable(error);
      return 'observe';
    }
  };
}
