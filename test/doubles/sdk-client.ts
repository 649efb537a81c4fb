/** A call that an adapter made of an SDK client: the command's name without its ending, and its input. */
export interface SentCommand {
  readonly command: string;
  readonly input: unknown;
}

/**
 * An SDK client that sends nothing: it notes each call, and answers or throws the next of the answers. After the last
 * one it answers nothing.
 */
export function stubSdkClient<Client>(...answers: readonly unknown[]): {
  client: Client;
  sent: SentCommand[];
} {
  const left = [...answers];
  const sent: SentCommand[] = [];
  const client = {
    async send(command: { readonly input: unknown }) {
      sent.push({ command: command.constructor.name.replace(/Command$/, ''), input: command.input });
      const answer = left.shift() ?? {};
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return { client: client as Client, sent };
}

/** An error as the SDK throws it for one of AWS's codes. */
export function awsError(code: string, message = ''): Error {
  return Object.assign(new Error(message), { name: code });
}
