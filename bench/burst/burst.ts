import type { Bench, Figure } from '../figure.ts';
import { latencyMs } from './ec2.ts';
import { type Outcome, runLinkgate } from './linkgate.ts';
import { runAcceptLoop } from './loop.ts';

const sizes = [1_000, 10_000];

export const burst: Bench = {
  name: 'burst',
  about: `Simultaneous requests of an allowed account, on a simulated clock with EC2's published token buckets; in parentheses a script that accepts one by one with the SDK's standard retry. EC2 takes ${latencyMs.ec2} ms, DynamoDB ${latencyMs.dynamodb} ms, others ${latencyMs.other} ms.`,
  async measure(say) {
    const figures: Figure[] = [];
    for (const size of sizes) {
      say(`${size} requests to linkgate`);
      const linkgate = await runLinkgate(size);
      say(`${size} requests to a loop`);
      figures.push(...compareSizes(size, linkgate, await runAcceptLoop(size)));
    }
    return figures;
  },
};

function compareSizes(size: number, linkgate: Outcome, loop: Outcome): Figure[] {
  const baseline = (value: number) => ({ baseline: { name: 'one at a time', value } });
  const accepts = ({ calls }: Outcome) => calls.get('AcceptVpcEndpointConnections') ?? 0;
  const all = ({ calls }: Outcome) =>
    [...calls].reduce((sum, [name, count]) => (name.includes(', ') ? sum : sum + count), 0);
  const requests = `${size.toLocaleString('en')} requests`;
  return [
    {
      name: `${requests}, until all are accepted`,
      value: linkgate.seconds,
      unit: 's',
      ...baseline(loop.seconds),
    },
    {
      name: `${requests}, calls to Accept`,
      value: accepts(linkgate),
      unit: 'calls',
      ...baseline(accepts(loop)),
    },
    {
      name: `${requests}, all calls per request`,
      value: all(linkgate) / size,
      unit: 'calls',
      ...baseline(all(loop) / size),
    },
  ];
}
