import type { Bench, Figure } from '../figure.ts';
import { latencyMs } from './ec2.ts';
import { type Outcome, runLinkgate } from './linkgate.ts';
import { runAcceptLoop } from './loop.ts';

const sizes = [1_000, 10_000];

export const burst: Bench = {
  name: 'burst',
  about: `So many requests of an allowed account at one moment, on a simulated clock, under the published token buckets of EC2, beside a script that accepts them one by one with the SDK's standard retry. Both are given calls of ${latencyMs.ec2} ms to EC2, linkgate ${latencyMs.dynamodb} ms to DynamoDB and ${latencyMs.other} ms to the rest. Linkgate's calls are all that its functions make until each acceptance is recorded and seen \`available\`.`,
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
  const beside = (value: number) => ({ beside: { name: 'one at a time', value } });
  const accepts = ({ calls }: Outcome) => calls.get('AcceptVpcEndpointConnections') ?? 0;
  const all = ({ calls }: Outcome) =>
    [...calls].reduce((sum, [name, count]) => (name.includes(', ') ? sum : sum + count), 0);
  const requests = size.toLocaleString('en');
  return [
    {
      name: `${requests}: until all are accepted`,
      value: linkgate.seconds,
      unit: 's',
      ...beside(loop.seconds),
    },
    {
      name: `${requests}: calls to Accept`,
      value: accepts(linkgate),
      unit: 'calls',
      ...beside(accepts(loop)),
    },
    {
      name: `${requests}: all calls, a request`,
      value: all(linkgate) / size,
      unit: 'calls',
      ...beside(all(loop) / size),
    },
  ];
}
