/** A command that an adapter sent: its name without `Command`, and its input. */
export interface SentCommand {
  readonly command: string;
  readonly input: unknown;
}

/**
 * A stub of an SDK client: it records each command, and returns or throws the next response. After the last
 * one it returns empty output.
 */
export function stubSdkClient<Client>(...responses: readonly unknown[]): {
  client: Client;
  sent: SentCommand[];
} {
  const remaining = [...responses];
  const sent: SentCommand[] = [];
  const client = {
    async send(command: { readonly input: unknown }) {
      sent.push({ command: command.constructor.name.replace(/Command$/, ''), input: command.input });
      const response = remaining.shift() ?? {};
      if (response instanceof Error) throw response;
      return response;
    },
  };
  return { client: client as Client, sent };
}

/** An error as the SDK throws it for one of AWS's codes. */
export function awsError(code: string, message = ''): Error {
  return Object.assign(new Error(message), { name: code });
}
